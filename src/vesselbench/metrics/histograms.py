"""Exact ROC and precision-recall scores of 16-bit probability maps, from histograms.

A map has 65,536 levels, so two histograms (of vessel and of background pixels) hold all that any threshold can do.
They add up: pooling images, or resampling them thousands of times, costs additions and no second look at the pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesselbench.data.maps import LEVELS
from vesselbench.metrics.counts import Counts

CHUNK = 128  # levels at a time: keeps the arrays of 2,000 samples in the processor's cache


@dataclass(frozen=True)
class Histogram:
    """Pixels at each level of a map, int32 (65536,): ``positives`` are vessel in truth, ``negatives`` not."""

    positives: np.ndarray
    negatives: np.ndarray

    @property
    def sizes(self) -> tuple[int, int]:
        """Vessel and background pixels."""
        return int(self.positives.sum()), int(self.negatives.sum())

    def counts(self, level: int) -> Counts:
        """Count the pixels of the prediction "vessel where the map is at ``level`` or above"."""
        tp, fp = self.positives[level:].sum(), self.negatives[level:].sum()
        tn, fn = self.negatives[:level].sum(), self.positives[:level].sum()
        return Counts(int(tp), int(fp), int(tn), int(fn))


def histogram(truth: np.ndarray, levels: np.ndarray, fov: np.ndarray) -> Histogram:
    """Sort the pixels of one image inside ``fov``, bool (H, W), by truth and level.

    In ``truth`` (H, W) anything but zero is vessel; ``levels`` is the probability map, uint16 (H, W), 65535 for 1.0.
    ValueError where the shapes differ, or ``levels`` is not uint16.
    """
    if truth.ndim != 2 or not truth.shape == levels.shape == fov.shape:
        raise ValueError(f"truth is {truth.shape}, levels {levels.shape}, fov {fov.shape}; all must be one (H, W)")
    if levels.dtype != np.uint16:
        raise ValueError(f"levels is of type {levels.dtype}; it must be uint16")
    vessel = truth != 0
    return Histogram(*(np.bincount(levels[fov & side], minlength=LEVELS).astype("i4") for side in (vessel, ~vessel)))


@dataclass(frozen=True)
class Stack:
    """Images side by side: pixels at or above each level that occurs, from none at all down to the lowest level.

    Vessel (``tp``) and background pixels (``fp``), whole numbers in float64 (images, points). The first column is zero,
    the last holds all pixels.
    """

    tp: np.ndarray
    fp: np.ndarray


def stack(histograms: Sequence[Histogram]) -> Stack:
    """Stack the histograms of images, one or more."""
    occurs = np.flatnonzero(sum(pixels.positives + pixels.negatives for pixels in histograms))[::-1]
    tp, fp = (
        np.stack([np.append(0, getattr(pixels, side)[occurs].cumsum()) for pixels in histograms]).astype(np.float64)
        for side in ("positives", "negatives")
    )
    return Stack(tp, fp)


def pooled_auc(images: Stack, weights: np.ndarray) -> np.ndarray:
    """Compute the area under the ROC curve of each bootstrap sample's pooled pixels, ``weights`` (samples, images).

    The chance that a vessel pixel lies above a background pixel, ties counting half. A sample takes image i ``w_i``
    times, so that its pairs are a quadratic form of the weights: thousands of samples cost one small matrix. float64
    (samples,), exact up to one division; NaN where vessel or background is absent.
    """
    # twice the pairs of a vessel pixel of image i above a background pixel of image j, plus the ties
    pairs = (images.tp[:, 1:] + images.tp[:, :-1]) @ np.diff(images.fp).T
    above = ((weights @ pairs) * weights).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return above / (2 * (weights @ images.tp[:, -1]) * (weights @ images.fp[:, -1]))


def pooled_average_precision(images: Stack, weights: np.ndarray) -> np.ndarray:
    """Compute the area under the precision-recall curve of each bootstrap sample's pooled pixels, as a sum of steps.

    The sum over the levels, from the highest down, of (recall gained at the level) x (precision at the level): no
    interpolation between points, as in scikit-learn. float64 (samples,); NaN where the truth holds no vessel.
    """
    tp, found, areas = images.tp[:, 1:], (images.tp + images.fp)[:, 1:], np.zeros(len(weights))
    for first in range(0, tp.shape[1], CHUNK):
        some = np.s_[:, first : first + CHUNK]
        precision = (weights @ tp[some]) / np.maximum(weights @ found[some], 1)
        areas += np.einsum("sp,sp->s", weights @ np.diff(images.tp[:, first : first + CHUNK + 1]), precision)
    with np.errstate(invalid="ignore"):
        return areas / (weights @ images.tp[:, -1])


def thinned(images: Stack, points: int) -> Stack:
    """Keep at most ``points`` of the levels, the first and the last among them, for drawing.

    Along the pooled ROC curve both rates only rise, so their sum measures the way along it; levels are taken at equal
    steps of it, which draws the steep part near (0, 0) as well as the flat one.
    """
    tp, fp = images.tp.sum(axis=0), images.fp.sum(axis=0)
    if tp.size <= points:
        return images
    way = tp / max(tp[-1], 1) + fp / max(fp[-1], 1)
    chosen = np.searchsorted(way, np.linspace(way[0], way[-1], points)).clip(0, way.size - 1)
    chosen[0], chosen[-1] = 0, way.size - 1
    chosen = np.unique(chosen)
    return Stack(images.tp[:, chosen], images.fp[:, chosen])
