"""Every score of a set of maps, under every protocol, with its bootstrap draws."""

import math
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from vesselbench.metrics import counts, topology
from vesselbench.metrics.connectivity import OURS, connectivity
from vesselbench.metrics.counts import Counts
from vesselbench.metrics.histograms import Histogram, pooled_auc, pooled_average_precision, stack
from vesselbench.metrics.image import ImageRecord
from vesselbench.metrics.protocol import MASKS, TRUTHS, Protocol

WHOLE_FRAME = ("connectivity", *topology.SCORES)  # under every mask, and mean over images under every pooling
RATIOS = ("f1", "sensitivity", "specificity", "accuracy", "precision", "iou", "mcc", "kappa")
NEED_PROBABILITIES = ("auc", "auc_pr")
SCORES = (*WHOLE_FRAME, *RATIOS, *NEED_PROBABILITIES)
KEYS = ("id", "mask", "truth", "threshold")

Draws = dict[Protocol, dict[str, np.ndarray]]  # (samples,) each; the first is the score itself


def binary(records: Sequence[ImageRecord]) -> bool:
    """Tell whether all maps hold 0 and 1 alone; then scores that need probabilities are withheld."""
    return all(record.binary for record in records)


def image_table(records: Sequence[ImageRecord], thresholds: Mapping[str, int]) -> pd.DataFrame:
    """Score every image by itself: columns ``KEYS`` and ``SCORES``, one row an image, mask, truth and threshold."""
    withheld = binary(records)
    rows = []
    for record, mask, truth in product(records, MASKS, TRUTHS):
        pixels = record.histograms[mask, truth]
        areas = {name: float(area[0]) for name, area in _areas([pixels], np.ones((1, 1)), withheld).items()}
        connected = connectivity(record.curves[truth, OURS])
        for threshold, level in thresholds.items():
            rows.append(
                dict(zip(KEYS, (record.id, mask, truth, threshold), strict=True))
                | {"connectivity": connected}
                | record.topology[truth, threshold]
                | _ratios(pixels.counts(level))
                | areas
            )
    return pd.DataFrame(rows, columns=[*KEYS, *SCORES])


def draw_scores(
    records: Sequence[ImageRecord], thresholds: Mapping[str, int], images: pd.DataFrame, weights: np.ndarray
) -> Draws:
    """Compute every score of every bootstrap sample under every protocol whose threshold is given.

    ``images`` is the same records' ``image_table``, ``weights`` (samples, images) are ``bootstrap.image_weights``. A
    score that is undefined for an image is so for the mean of images.
    """
    draws: Draws = {}
    groups = {key: table[list(SCORES)] for key, table in images.groupby(list(KEYS[1:]), sort=False)}
    for mask, truth in product(MASKS, TRUTHS):
        histograms = [record.histograms[mask, truth] for record in records]
        areas = _areas(histograms, weights, binary(records))
        for threshold, level in thresholds.items():
            own = groups[mask, truth, threshold]
            mean = {name: weights @ own[name].to_numpy(float) / len(records) for name in SCORES}
            each = np.array([list(vars(pixels.counts(level)).values()) for pixels in histograms])
            pooled = {name: mean[name] for name in WHOLE_FRAME} | _ratios(Counts(*(weights @ each).T)) | areas
            draws[Protocol(mask, "pooled", truth, threshold)] = pooled
            draws[Protocol(mask, "mean", truth, threshold)] = mean
    return draws


def _areas(histograms: Sequence[Histogram], weights: np.ndarray, withheld: bool) -> dict[str, np.ndarray]:
    if withheld:
        return dict.fromkeys(NEED_PROBABILITIES, np.full(len(weights), math.nan))
    images = stack(histograms)
    return {"auc": pooled_auc(images, weights), "auc_pr": pooled_average_precision(images, weights)}


def _ratios(found: Counts) -> dict[str, counts.Score]:
    return {name: getattr(counts, name)(found) for name in RATIOS}
