"""How far a score can be trusted: bootstrap over images, and paired comparison of two models."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

from vesselbench.metrics.counts import COUNTS, RATIOS, Counts

CONFIDENCE = 0.95
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
SEED = 0
NEED_PROBABILITIES = ("auc", "auc_pr")  # scores that maps of 0 and 1 alone do not have
FEWEST = 6  # images that differ: 2 / 2**6 = .03 is the first smallest p below .05


def image_weights(images: int, draws: int, seed: int = SEED) -> np.ndarray:
    """Draw bootstrap samples of images, ``images`` of them with replacement: how often each is taken.

    int64 (draws + 1, images); the first row takes every image once: its score is the score itself. The same seed and
    number of images give the same samples, so two models can be compared draw by draw.
    """
    taken = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=draws)
    return np.concatenate([np.ones((1, images), np.int64), taken])


def interval(draws: np.ndarray) -> tuple[float, float]:
    """Give the 95 % percentile interval of bootstrap draws (n,); NaN, NaN where a draw is NaN, or there is none."""
    if not draws.size or np.isnan(draws).any():
        return math.nan, math.nan
    low, high = np.quantile(draws, TAILS)
    return float(low), float(high)


def draw_score(images: pd.DataFrame, pooling: str, score: str, weights: np.ndarray) -> np.ndarray:
    """Score bootstrap samples of images, rows of ``scores.image_table``; areas under pooled curves are NaN."""
    if pooling == "pooled" and score in NEED_PROBABILITIES:
        return np.full(len(weights), math.nan)
    if pooling == "pooled" and score in RATIOS:
        return RATIOS[score](Counts(*(weights @ images[[*COUNTS]].to_numpy(float)).T))
    return weights @ images[score].to_numpy(float) / len(images)


@dataclass(frozen=True)
class Comparison:
    """Two models on the same images: score of the first minus score of the second.

    The data support that the two differ where the interval excludes 0, p < 0.05, and at least six images differ. All
    are asked for since with few images the bootstrap's interval is too narrow, and with fewer than six differences the
    exact p of the test cannot reach 0.05.
    """

    difference: float  # of the scores themselves
    low: float  # low to high: 95 % interval of the paired bootstrap
    high: float
    p_value: float  # Wilcoxon's signed-rank test over the images' own scores, two-sided; NaN where no image differs
    supported: bool


def compare(
    values: tuple[float, float], draws: tuple[np.ndarray, np.ndarray], images: tuple[np.ndarray, np.ndarray]
) -> Comparison:
    """Compare two models that were scored on the same images with the same bootstrap draws.

    ``values`` are the two models' scores, ``draws`` those of each bootstrap sample, (draws,) each, and ``images`` those
    of each image, (images,) each, in the same order.
    """
    low, high = interval(draws[0] - draws[1])
    gaps = np.asarray(images[0], np.float64) - np.asarray(images[1], np.float64)
    p_value = math.nan if np.isnan(gaps).any() or not gaps.any() else float(wilcoxon(gaps).pvalue)
    enough = np.count_nonzero(gaps) >= FEWEST
    supported = bool((low > 0 or high < 0) and p_value < 1 - CONFIDENCE and enough)
    return Comparison(values[0] - values[1], low, high, p_value, supported)
