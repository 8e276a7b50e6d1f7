"""One look at one image: what is kept of it, under both masks, and the scores that follow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vesselbench.metrics import counts
from vesselbench.metrics.connectivity import TOLERANCE, connectivity_curve
from vesselbench.metrics.curves import LEVELS, Histogram, auc, average_precision, histogram

MASKS = ("fov", "frame")  # inside the field of view, the whole frame
SCORES = ("connectivity", "f1", "sensitivity", "specificity", "accuracy", "auc", "auc_pr")
NEED_PROBABILITIES = ("auc", "auc_pr")


@dataclass(frozen=True)
class Evaluation:
    """Parameters under ``evaluate`` in params.yaml.

    Attributes
    ----------
    threshold
        A pixel is vessel where its probability is at least this, in (0, 1]. An input: nothing in
        ``vesselbench.metrics`` can choose one, so none can be chosen on the images that are scored.
    connectivity_tolerance
        The paper's alpha in Eq. 3, above 0.
    curve_points
        Most points of a stored ROC curve, at least 2.
    """

    threshold: float = 0.5
    connectivity_tolerance: float = TOLERANCE
    curve_points: int = 500

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}; it must be above 0 and at most 1")
        if not self.connectivity_tolerance > 0:
            raise ValueError(f"connectivity_tolerance is {self.connectivity_tolerance}; it must be above 0")
        if self.curve_points < 2:
            raise ValueError(f"curve_points is {self.curve_points}; it must be at least 2")

    @property
    def level(self) -> int:
        """The lowest 16-bit level that is vessel: 32768 for a threshold of 0.5."""
        return math.ceil(self.threshold * (LEVELS - 1))


@dataclass(frozen=True)
class ImageRecord:
    """All that is kept of one image.

    Attributes
    ----------
    id
        The image's name.
    histograms
        One a mask of ``MASKS``.
    theta, connectivity
        C(theta) over the whole frame, float64 (256,) each.
    binary
        Whether the map holds 0 and 1 alone: one operating point, which has no curve.
    """

    id: str
    histograms: dict[str, Histogram]
    theta: np.ndarray
    connectivity: np.ndarray
    binary: bool

    @property
    def connectivity_area(self) -> float:
        """The image's connectivity: area under C(theta) by the trapezoid rule."""
        return float(np.trapezoid(self.connectivity, self.theta))


def score_image(
    id: str, truth: np.ndarray, levels: np.ndarray, fov: np.ndarray, tolerance: float = TOLERANCE
) -> ImageRecord:
    """Look at one image, under both masks.

    Parameters
    ----------
    id
        The image's name.
    truth
        (H, W), 0 and 1, at the image's native size.
    levels
        uint16 (H, W), the probability map. A label map counts as one with the levels 0 and 65535 alone.
    fov
        bool (H, W), the field of view.
    tolerance
        See ``vesselbench.metrics.connectivity``.

    Raises
    ------
    ValueError
        The shapes differ, or ``levels`` is not uint16.
    """
    masks = {"fov": fov, "frame": np.ones_like(fov)}
    histograms = {mask: histogram(truth, levels, pixels) for mask, pixels in masks.items()}
    theta, curve = connectivity_curve(truth, levels, tolerance)
    return ImageRecord(id, histograms, theta, curve, bool(np.isin(levels, (0, LEVELS - 1)).all()))


def pixel_scores(pixels: Histogram, level: int, binary: bool) -> dict[str, float]:
    """Compute every score of ``SCORES`` but connectivity, from the pixels of one image or of many.

    Where ``binary``, those that need probabilities are NaN: withheld, not computed from one point.
    """
    found = pixels.counts(level)
    scores = {name: getattr(counts, name)(found) for name in ("f1", "sensitivity", "specificity", "accuracy")}
    curves = (math.nan, math.nan) if binary else (auc(pixels), average_precision(pixels))
    return scores | dict(zip(NEED_PROBABILITIES, curves, strict=True))
