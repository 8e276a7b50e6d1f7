"""Every score of a set of maps, under every protocol, with its bootstrap draws."""

import math
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from vesselbench.metrics import counts, topology
from vesselbench.metrics.connectivity import OURS, connectivity
from vesselbench.metrics.counts import Counts
from vesselbench.metrics.histograms import auc_of_pairs, pairs_of, pooled_auc, pooled_average_precision, stack
from vesselbench.metrics.image import ImageRecord
from vesselbench.metrics.protocol import MASKS, POOLINGS, SIZES, Protocol

WHOLE_FRAME = ("connectivity", *topology.SCORES)  # under every mask, and mean over images under every pooling
RATIOS = ("f1", "sensitivity", "specificity", "accuracy", "precision", "iou", "mcc", "kappa")
NEED_PROBABILITIES = ("auc", "auc_pr")
SCORES = (*WHOLE_FRAME, *RATIOS, *NEED_PROBABILITIES)
KEYS = ("id", "mask", "size", "threshold")
COUNTS = ("tp", "fp", "tn", "fn")

Draws = dict[Protocol, dict[str, np.ndarray]]  # (samples,) each; the first is the score itself
Pairs = dict[tuple[str, str], np.ndarray]  # (mask, size) -> ``pairs_of`` the images; none where all maps are binary


def binary(records: Sequence[ImageRecord]) -> bool:
    """Tell whether all maps hold 0 and 1 alone; then scores that need probabilities are withheld."""
    return all(record.binary for record in records)


def image_table(records: Sequence[ImageRecord], thresholds: Mapping[str, int]) -> pd.DataFrame:
    """Score every image by itself: columns ``KEYS``, ``COUNTS``, ``SCORES``; a row an image, mask, size, threshold."""
    withheld, one = binary(records), np.ones((1, 1))
    rows = []
    for record, mask, size in product(records, MASKS, SIZES):
        pixels = record.histograms[mask, size]
        whole = stack([pixels])
        areas = (math.nan,) * 2 if withheld else (pooled_auc(whole, one)[0], pooled_average_precision(whole, one)[0])
        connected = connectivity(record.curves[size, OURS])
        for threshold, level in thresholds.items():
            rows.append(
                dict(zip(KEYS, (record.id, mask, size, threshold), strict=True))
                | vars(pixels.counts(level))
                | {"connectivity": connected}
                | record.topology[size, threshold]
                | dict(zip(NEED_PROBABILITIES, areas, strict=True))
            )
    return with_ratios(pd.DataFrame(rows))


def with_ratios(images: pd.DataFrame) -> pd.DataFrame:
    """Add the columns ``RATIOS`` to a table that has ``COUNTS``."""
    found = Counts(*images[[*COUNTS]].to_numpy().T)
    return images.assign(**{name: getattr(counts, name)(found) for name in RATIOS})


def auc_pairs(records: Sequence[ImageRecord]) -> Pairs:
    """Keep what the area under the ROC curve of any bootstrap sample needs, if it has one."""
    keys = [] if binary(records) else product(MASKS, SIZES)
    return {key: pairs_of(stack([record.histograms[key] for record in records])) for key in keys}


def draw_scores(records: Sequence[ImageRecord], images: pd.DataFrame, pairs: Pairs, weights: np.ndarray) -> Draws:
    """Compute every score of every bootstrap sample under every protocol whose threshold is given.

    ``images`` and ``pairs`` are the same records' ``image_table`` and ``auc_pairs``, ``weights`` (samples, images) are
    ``bootstrap.image_weights``. A score that is undefined for an image is so for the mean of images.
    """
    draws: Draws = {}
    precise = {key: pooled_average_precision(stack([one.histograms[key] for one in records]), weights) for key in pairs}
    for (mask, size, threshold), own in images.groupby([*KEYS[1:]], sort=False):
        for pooling in POOLINGS:
            found = {name: draw_score(own, pooling, name, weights, pairs.get((mask, size))) for name in SCORES}
            if pooling == "pooled" and pairs:
                found["auc_pr"] = precise[mask, size]
            draws[Protocol(mask, pooling, size, threshold)] = found
    return draws


def draw_score(
    images: pd.DataFrame, pooling: str, score: str, weights: np.ndarray, pairs: np.ndarray | None
) -> np.ndarray:
    """Compute a score of every bootstrap sample of images, rows of ``image_table`` of one protocol: float64 (samples,).

    ``pairs`` are those of the images, if there are any. NaN where the score does not follow from both, as the area
    under the precision-recall curve of pooled pixels.
    """
    if pooling == "mean" or score not in (*RATIOS, *NEED_PROBABILITIES):
        return weights @ images[score].to_numpy(float) / len(images)
    found = Counts(*images[[*COUNTS]].to_numpy(float).T)
    if score in RATIOS:
        return getattr(counts, score)(Counts(*(weights @ own for own in vars(found).values())))
    if score == "auc" and pairs is not None:
        return auc_of_pairs(pairs, found.tp + found.fn, found.fp + found.tn, weights)
    return np.full(len(weights), math.nan)
