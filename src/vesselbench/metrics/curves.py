"""Exact ROC and precision-recall scores of 16-bit probability maps, from histograms.

A map has at most 65,536 levels, so two histograms (of vessel and of background pixels) hold all that any
threshold can do. They add up: pooling test images, or resampling them, costs additions and no second look
at the pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vesselbench.metrics.counts import Counts, check_shapes
from vesselbench.metrics.levels import LEVELS


@dataclass(frozen=True)
class Histogram:
    """Pixels at each level of a map, int64 (65536,): ``positives`` are vessel in truth, ``negatives`` not."""

    positives: np.ndarray
    negatives: np.ndarray

    def __add__(self, other: Histogram) -> Histogram:
        """Pool the pixels of two images."""
        return Histogram(self.positives + other.positives, self.negatives + other.negatives)

    def counts(self, level: int) -> Counts:
        """Counts of the prediction "vessel where the map is at ``level`` or above"."""
        tp, fp = self.positives[level:].sum(), self.negatives[level:].sum()
        tn, fn = self.negatives[:level].sum(), self.positives[:level].sum()
        return Counts(int(tp), int(fp), int(tn), int(fn))


def histogram(truth: np.ndarray, levels: np.ndarray, fov: np.ndarray) -> Histogram:
    """Sort the pixels of one image by truth and level.

    Parameters
    ----------
    truth
        (H, W), bool or 0 and 1; anything but zero is vessel.
    levels
        uint16 (H, W), the probability map; 65535 is 1.0.
    fov
        bool (H, W), the pixels that count.

    Raises
    ------
    ValueError
        The shapes differ, or ``levels`` is not uint16.
    """
    check_shapes(truth, levels=levels, fov=fov)
    if levels.dtype != np.uint16:
        raise ValueError(f"levels is of type {levels.dtype}; it must be uint16")
    vessel = truth != 0
    positives, negatives = (np.bincount(levels[fov & side], minlength=LEVELS) for side in (vessel, ~vessel))
    return Histogram(positives, negatives)


def auc(histogram: Histogram) -> float:
    """Area under the ROC curve.

    The chance that a vessel pixel lies above a background pixel, ties counting half. Exact: integers up to
    one last division. NaN where vessel or background is absent.
    """
    positives, negatives = histogram.positives, histogram.negatives
    above = positives.sum() - positives.cumsum()  # vessel pixels strictly above each level
    pairs = 2 * int(positives.sum()) * int(negatives.sum())
    return int((negatives * (2 * above + positives)).sum()) / pairs if pairs else math.nan


def average_precision(histogram: Histogram) -> float:
    """Area under the precision-recall curve, as a sum of steps.

    The sum over the levels, from the highest down, of (recall gained at the level) x (precision at the
    level): no interpolation between points, as in scikit-learn. NaN where the truth holds no vessel.
    """
    tp, fp = _cumulative(histogram)
    if not histogram.positives.any():
        return math.nan
    return float((np.diff(tp, prepend=0) * (tp / (tp + fp))).sum() / tp[-1])


def _cumulative(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """True and false positives at every level that occurs, from the highest down."""
    occurs = (histogram.positives + histogram.negatives)[::-1] > 0
    return histogram.positives[::-1].cumsum()[occurs], histogram.negatives[::-1].cumsum()[occurs]
