"""Curves of many images pooled, for many bootstrap samples of the images at once, exactly.

A sample takes image i ``w_i`` times, so its pixels at or above a level are a weighted sum of the images' own. The area
under its ROC curve is even a quadratic form of the weights, so that thousands of samples cost one small matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesselbench.metrics.curves import Histogram

CHUNK = 64  # samples at a time: keeps the arrays in the processor's cache


@dataclass(frozen=True)
class Stack:
    """Images side by side: pixels at or above each level that occurs, from none at all down to the lowest level.

    Attributes
    ----------
    tp, fp
        float64 (images, points), whole numbers: vessel and background pixels at or above. The first column is zero,
        the last holds all pixels.
    levels
        int64 (points,), descending; the first is above all.
    """

    tp: np.ndarray
    fp: np.ndarray
    levels: np.ndarray


def stack(histograms: Sequence[Histogram]) -> Stack:
    """Stack the histograms of images, one or more."""
    occurs = np.flatnonzero(sum(pixels.positives + pixels.negatives for pixels in histograms))[::-1]
    tp, fp = (
        np.stack([np.append(0, getattr(pixels, side)[occurs].cumsum()) for pixels in histograms]).astype(np.float64)
        for side in ("positives", "negatives")
    )
    return Stack(tp, fp, np.append(histograms[0].positives.size, occurs))


def pooled_auc(images: Stack, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each sample's pooled pixels, ties counting half.

    Parameters
    ----------
    images
        (images, points).
    weights
        (samples, images), see ``vesselbench.metrics.statistics.image_weights``.

    Returns
    -------
    numpy.ndarray
        float64 (samples,), exact up to one division; NaN where vessel or background is absent.
    """
    # twice the pairs of a vessel pixel of image i above a background pixel of image j, plus the ties
    pairs = (images.tp[:, 1:] + images.tp[:, :-1]) @ np.diff(images.fp).T
    above = ((weights @ pairs) * weights).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return above / (2 * (weights @ images.tp[:, -1]) * (weights @ images.fp[:, -1]))


def pooled_average_precision(images: Stack, weights: np.ndarray) -> np.ndarray:
    """Average precision of each sample's pooled pixels, float64 (samples,); NaN where no vessel is.

    The sum over levels of (recall gained) x (precision), as ``vesselbench.metrics.curves.average_precision``.
    """
    areas = []
    for some in np.array_split(weights, max(1, len(weights) // CHUNK)):
        tp = some @ images.tp
        found = tp + some @ images.fp
        precision = tp[:, 1:] / np.maximum(found[:, 1:], 1)
        areas.append(np.einsum("sp,sp->s", np.diff(tp), precision))
    with np.errstate(invalid="ignore"):
        return np.concatenate(areas) / (weights @ images.tp[:, -1])


def thinned(images: Stack, points: int) -> Stack:
    """Keep at most ``points`` of the levels, the first and the last among them, for drawing.

    Along the pooled ROC curve both rates only rise, so their sum measures the way along it; levels are taken at equal
    steps of it, which draws the steep part near (0, 0) as well as the flat one.
    """
    if images.levels.size <= points:
        return images
    tp, fp = images.tp.sum(axis=0), images.fp.sum(axis=0)
    way = tp / max(tp[-1], 1) + fp / max(fp[-1], 1)
    chosen = np.searchsorted(way, np.linspace(way[0], way[-1], points)).clip(0, way.size - 1)
    chosen[0], chosen[-1] = 0, way.size - 1
    chosen = np.unique(chosen)
    return Stack(images.tp[:, chosen], images.fp[:, chosen], images.levels[chosen])
