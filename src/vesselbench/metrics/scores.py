"""Every score of a set of maps, under every protocol, with its bootstrap draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from vesselbench.metrics import connectivity, counts
from vesselbench.metrics.counts import Counts
from vesselbench.metrics.curves import auc, average_precision
from vesselbench.metrics.pooled import pooled_auc, pooled_average_precision, stack
from vesselbench.metrics.protocol import MASKS, TRUTHS, Protocol
from vesselbench.metrics.record import TOPOLOGY, ImageRecord

WHOLE_FRAME = ("connectivity", *TOPOLOGY)  # of the whole frame under every mask, and mean over images however pooled
RATIOS = ("f1", "sensitivity", "specificity", "accuracy", "precision", "iou", "mcc", "kappa")
NEED_PROBABILITIES = ("auc", "auc_pr")
SCORES = (*WHOLE_FRAME, *RATIOS, *NEED_PROBABILITIES)
KEYS = ("id", "mask", "truth", "threshold")

Draws = dict[Protocol, dict[str, np.ndarray]]  # (samples,) each; the first is the score itself


def binary(records: Sequence[ImageRecord]) -> bool:
    """Whether all maps hold 0 and 1 alone; then scores that need probabilities are withheld."""
    return all(record.binary for record in records)


def curve(record: ImageRecord, truth: str, reading: connectivity.Reading, tolerance: float) -> np.ndarray:
    """C(theta) of one image at the thresholds of a reading, float64 (levels,)."""
    return connectivity.connectivity_curve(record.skeletons[truth], record.segments[reading], reading, tolerance)


def image_table(records: Sequence[ImageRecord], thresholds: Mapping[str, int], tolerance: float) -> pd.DataFrame:
    """Score every image by itself: columns ``KEYS`` and ``SCORES``, one row an image, mask, truth and threshold."""
    withheld = binary(records)
    rows = []
    for record, mask, truth in product(records, MASKS, TRUTHS):
        pixels = record.histograms[mask, truth]
        curves = (math.nan, math.nan) if withheld else (auc(pixels), average_precision(pixels))
        area = connectivity.connectivity(curve(record, truth, connectivity.OURS, tolerance))
        for threshold, level in thresholds.items():
            rows.append(
                dict(zip(KEYS, (record.id, mask, truth, threshold), strict=True))
                | {"connectivity": area}
                | record.topology[truth, threshold]
                | _ratios(pixels.counts(level))
                | dict(zip(NEED_PROBABILITIES, curves, strict=True))
            )
    return pd.DataFrame(rows, columns=[*KEYS, *SCORES])


def draw_scores(
    records: Sequence[ImageRecord], thresholds: Mapping[str, int], images: pd.DataFrame, weights: np.ndarray
) -> Draws:
    """Compute every score of every bootstrap sample under every protocol.

    A score that is undefined for an image is so for the mean of images.

    Parameters
    ----------
    records
        One an image, at least one.
    thresholds
        ``fixed``, ``training`` -> level; protocols of a threshold that is not there are left out.
    images
        Of the same records, from ``image_table``.
    weights
        (samples, images), from ``vesselbench.metrics.statistics.image_weights``.
    """
    if not records:
        raise ValueError("there is no image to score")
    draws: Draws = {}
    groups = {key: table[list(SCORES)] for key, table in images.groupby(list(KEYS[1:]), sort=False)}
    for mask, truth in product(MASKS, TRUTHS):
        histograms = [record.histograms[mask, truth] for record in records]
        curves = dict.fromkeys(NEED_PROBABILITIES, np.full(len(weights), math.nan))
        if not binary(records):
            side_by_side = stack(histograms)
            areas = (pooled_auc(side_by_side, weights), pooled_average_precision(side_by_side, weights))
            curves = dict(zip(NEED_PROBABILITIES, areas, strict=True))
        for threshold, level in thresholds.items():
            own = groups[mask, truth, threshold]
            mean = {name: weights @ own[name].to_numpy(float) / len(records) for name in SCORES}
            each = np.array([list(vars(pixels.counts(level)).values()) for pixels in histograms])
            pooled = {name: mean[name] for name in WHOLE_FRAME} | _ratios(Counts(*(weights @ each).T)) | curves
            draws[Protocol(mask, "pooled", truth, threshold)] = pooled
            draws[Protocol(mask, "mean", truth, threshold)] = mean
    return draws


def _ratios(found: Counts) -> dict[str, counts.Score]:
    return {name: getattr(counts, name)(found) for name in RATIOS}
