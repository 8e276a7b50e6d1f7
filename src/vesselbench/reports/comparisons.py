"""Differences between methods that the test images support, and folds of a cross-validation put together."""

import math
from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd

from vesselbench.metrics.bootstrap import compare, image_weights, interval
from vesselbench.metrics.protocol import HEADLINE, SIZES
from vesselbench.reports.runs import Results, at_protocol
from vesselbench.reports.style import SCORES

COMPARED = ("auc", "f1", "connectivity")
EVERY_PAIR = 4  # of so many labels at most; of more, the first with each of the others
PROTOCOL = HEADLINE["fov"]
PAIR = ["score", "mode", "first", "second", "difference", "low", "high", "p_value", "supported", "protocol"]
DRAWS = 2000  # bootstrap samples of the images of all folds
SAME = ["model", "recipe", "seed", "mode"]  # what the folds of one cross-validation share
FOLDED = [*SAME, "score", "mean", "low", "high", "spread", "folds", "images", "splits"]

Maps = tuple[str, str]  # label, mode
Pair = tuple[Maps, Maps]


def comparisons(results: Results, scores: Sequence[str] = COMPARED) -> pd.DataFrame:
    """Compare labels in every mode: every pair of a few, else the first with each other; see ``compare_pairs``."""
    pairs = []
    for mode, own in results.maps.groupby("mode", sort=False):
        labels = own["label"].unique()
        chosen = combinations(labels, 2) if len(labels) <= EVERY_PAIR else product(labels[:1], labels[1:])
        pairs += [((first, mode), (second, mode)) for first, second in chosen]
    return compare_pairs(results, pairs, scores)


def compare_pairs(results: Results, pairs: Sequence[Pair], scores: Sequence[str] = COMPARED) -> pd.DataFrame:
    """Compare pairs of (label, mode) by each of the scores; one that one of the two lacks is left out.

    Columns ``PAIR``: first minus second, with the 95 % interval of the paired bootstrap, Wilcoxon's p (NaN where no
    image differs) and whether both support the difference. Several seeds stand for their mean, image by image and draw
    by draw. First and second are the labels, and mode what both are predicted in; of one label, they are its modes.
    """
    rows, values = [], results.averages["value"]
    for score, pair in product(scores, pairs):
        both = tuple(values.get((*one, str(PROTOCOL), score), math.nan) for one in pair)
        if any(value != value for value in both):
            continue
        draws = tuple(results.mean_draws(*one, PROTOCOL, score) for one in pair)
        images = tuple(results.image_scores(*one, PROTOCOL, score) for one in pair)
        (first, mode), (second, other) = pair
        names = (mode, first, second) if mode == other else ("", mode, other)
        rows.append((score, *names, *vars(compare(both, draws, images)).values(), str(PROTOCOL)))
    return pd.DataFrame(rows, columns=PAIR)


def compare_readings(results: Results, mode: str, first: str, second: str) -> pd.DataFrame:
    """Compare the connectivity of two labels at each size, of all segments and of larger ones alone.

    Columns size, smallest (pixels of a segment that counts), the two labels, difference, low, high, p_value, supported:
    as in ``compare_pairs``. No rows where one of the two is missing.
    """
    rows, weights = [], None
    for size in SIZES if {first, second} <= {*results.labels} else ():
        table = results.curves("sensitivity", size=size)
        table = table[table["mode"] == mode]
        alike = table[["neighbours", "levels", "skeleton"]]
        ours = (alike == alike.head(1).to_numpy()).all(axis=1)  # our reading comes first
        for smallest, own in table[ours].groupby("smallest"):
            images = own.pivot_table("connectivity", "id", "label", sort=False)[[first, second]]
            if weights is None:
                weights = image_weights(len(images), DRAWS) / len(images)
            means, *draws = weights @ images.to_numpy()
            found = compare(tuple(means), tuple(np.transpose(draws)), tuple(images.to_numpy().T))
            rows.append((size, smallest, *means, *vars(found).values()))
    return pd.DataFrame(rows, columns=["size", "smallest", first, second, *PAIR[4:-1]])


def noise_floor(pairs: pd.DataFrame) -> dict[str, float]:
    """Give score -> half the widest 95 % interval of a difference; undefined intervals are left out."""
    return ((pairs["high"] - pairs["low"]) / 2).groupby(pairs["score"], sort=False).max().dropna().to_dict()


def seed_spread(averages: pd.DataFrame) -> dict[str, float]:
    """Give score -> the largest spread over seeds of any label and mode; empty where each has one seed."""
    largest = averages["spread"].xs(str(PROTOCOL), level="protocol").groupby("score").max().dropna()
    return {score: largest[score] for score in COMPARED if score in largest}


def folded(results: Results) -> pd.DataFrame:
    """Average the images' own scores over all folds of a data set, inside the field of view; columns ``FOLDED``.

    Folds are runs alike in ``SAME`` whose splits differ and whose test images do not overlap: all such runs, or, where
    the first split of the data set overlaps others, those on other splits. A row a cross-validation and score: mean
    over all images, its 95 % interval, sample standard deviation of the folds' means (of images and of networks
    together), number of folds and of images, names of the splits. NaN where the score of an image is undefined.
    """
    rows = []
    images = at_protocol(results.images, HEADLINE["fov"])
    for key, own in results.maps.groupby(SAME, sort=False):
        places = zip(own["split"], own["run"], strict=True)
        tables = {split: images[(images["run"] == run) & (images["mode"] == key[-1])] for split, run in places}
        if _overlap(tables):
            tables.pop(results.maps["split"].iloc[0], None)
        if len(tables) < 2 or _overlap(tables):
            continue
        every = pd.concat(tables.values())
        weights = image_weights(len(every), DRAWS)
        for score in SCORES:
            means = weights @ every[score].to_numpy(float) / len(every)
            spread = pd.Series([table[score].mean(skipna=False) for table in tables.values()]).std(skipna=False)
            rows.append((*key, score, means[0], *interval(means[1:]), spread, len(tables), len(every), [*tables]))
    return pd.DataFrame(rows, columns=FOLDED)


def _overlap(tables: dict[str, pd.DataFrame]) -> bool:
    return any(set(one["id"]) & set(other["id"]) for one, other in combinations(tables.values(), 2))
