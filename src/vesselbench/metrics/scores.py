"""Every score of a set of maps, under every protocol, with its bootstrap draws."""

import math
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from vesselbench.metrics import topology
from vesselbench.metrics.bootstrap import NEED_PROBABILITIES, draw_score
from vesselbench.metrics.connectivity import OURS, connectivity
from vesselbench.metrics.counts import RATIOS, with_ratios
from vesselbench.metrics.histograms import Histogram, pooled_auc, pooled_average_precision, stack
from vesselbench.metrics.image import ImageRecord
from vesselbench.metrics.protocol import MASKS, POOLINGS, SIZES, Protocol

WHOLE_FRAME = ("connectivity", *topology.SCORES)  # under every mask, and mean over images under every pooling
SCORES = (*WHOLE_FRAME, *RATIOS, *NEED_PROBABILITIES)
KEYS = ("id", "mask", "size", "threshold")

Draws = dict[Protocol, dict[str, np.ndarray]]  # (samples,) each; the first is the score itself


def binary(records: Sequence[ImageRecord]) -> bool:
    """Tell whether all maps hold 0 and 1 alone; then scores that need probabilities are withheld."""
    return all(record.binary for record in records)


def image_table(records: Sequence[ImageRecord], thresholds: Mapping[str, int]) -> pd.DataFrame:
    """Score every image by itself: columns ``KEYS``, ``COUNTS``, ``SCORES``; a row an image, mask, size, threshold."""
    withheld = binary(records)
    rows = []
    for record, mask, size in product(records, MASKS, SIZES):
        pixels = record.histograms[mask, size]
        areas = {name: float(area[0]) for name, area in _areas([pixels], np.ones((1, 1)), withheld).items()}
        connected = connectivity(record.curves[size, OURS])
        for threshold, level in thresholds.items():
            rows.append(
                dict(zip(KEYS, (record.id, mask, size, threshold), strict=True))
                | vars(pixels.counts(level))
                | {"connectivity": connected}
                | record.topology[size, threshold]
                | areas
            )
    return with_ratios(pd.DataFrame(rows))


def draw_scores(records: Sequence[ImageRecord], images: pd.DataFrame, weights: np.ndarray) -> Draws:
    """Compute every score of every bootstrap sample under every protocol whose threshold is given.

    ``images`` is the same records' ``image_table``, ``weights`` (samples, images) are ``bootstrap.image_weights``. A
    score that is undefined for an image is so for the mean of images.
    """
    draws, areas = {}, {}
    for mask, size in product(MASKS, SIZES):
        areas[mask, size] = _areas([record.histograms[mask, size] for record in records], weights, binary(records))
    for (mask, size, threshold), own in images.groupby([*KEYS[1:]], sort=False):
        for pooling in POOLINGS:
            found = {name: draw_score(own, pooling, name, weights) for name in SCORES}
            draws[Protocol(mask, pooling, size, threshold)] = found | (areas[mask, size] if pooling == "pooled" else {})
    return draws


def _areas(histograms: Sequence[Histogram], weights: np.ndarray, withheld: bool) -> dict[str, np.ndarray]:
    if withheld:
        return dict.fromkeys(NEED_PROBABILITIES, np.full(len(weights), math.nan))
    images = stack(histograms)
    return {"auc": pooled_auc(images, weights), "auc_pr": pooled_average_precision(images, weights)}
