"""The four counts of a binary prediction, and the scores that are ratios of them.

Count once, score many: ``vesselbench.metrics.histograms`` counts, and every score below takes ``Counts``. Counts may be
arrays, of one image or one bootstrap draw each; a score is then an array of their shape. A score whose denominator is
zero is NaN, never a silent 0 or 1.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

Score = np.float64 | np.ndarray
COUNTS = ("tp", "fp", "tn", "fn")


@dataclass(frozen=True)
class Counts:
    """Pixels by truth and prediction: true positives, false positives, true negatives, false negatives."""

    tp: int | np.ndarray
    fp: int | np.ndarray
    tn: int | np.ndarray
    fn: int | np.ndarray


def sensitivity(counts: Counts) -> Score:
    """Give the share of the vessel pixels that are found: TP / (TP + FN). NaN where the truth holds no vessel."""
    return ratio(counts.tp, counts.tp + counts.fn)


def specificity(counts: Counts) -> Score:
    """Give the share of the background that is left alone: TN / (TN + FP). NaN where the truth holds no background."""
    return ratio(counts.tn, counts.tn + counts.fp)


def accuracy(counts: Counts) -> Score:
    """Give the share of all pixels that are right: (TP + TN) / all. NaN where no pixel counts."""
    return ratio(counts.tp + counts.tn, counts.tp + counts.tn + counts.fp + counts.fn)


def precision(counts: Counts) -> Score:
    """Give the share of the found pixels that are vessel: TP / (TP + FP). NaN where nothing is found."""
    return ratio(counts.tp, counts.tp + counts.fp)


def f1(counts: Counts) -> Score:
    """Compute F1 = Dice = 2 TP / (2 TP + FP + FN). NaN where neither truth nor prediction holds a vessel."""
    return ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def iou(counts: Counts) -> Score:
    """Compute intersection over union, TP / (TP + FP + FN). NaN where neither truth nor prediction holds a vessel."""
    return ratio(counts.tp, counts.tp + counts.fp + counts.fn)


def mcc(counts: Counts) -> Score:
    """Compute Matthews' correlation, (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN)).

    NaN where one of these four sums is zero: a constant has no correlation.
    """
    tp, fp, tn, fn = _exact(counts)
    return ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


def kappa(counts: Counts) -> Score:
    """Compute Cohen's kappa, 2 (TP TN - FP FN) / ((TP + FP)(FP + TN) + (TP + FN)(FN + TN)): agreement beyond chance.

    NaN where truth and prediction are one and the same constant (chance alone agrees everywhere).
    """
    tp, fp, tn, fn = _exact(counts)
    return ratio(2 * (tp * tn - fp * fn), (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn))


def _exact(counts: Counts) -> tuple[np.ndarray, ...]:
    """Give the four as float64, whose products do not overflow; exact up to 2**53."""
    return tuple(np.asarray(part, np.float64) for part in (counts.tp, counts.fp, counts.tn, counts.fn))


def ratio(part: int | np.ndarray, whole: int | np.ndarray) -> Score:
    """Divide; where the whole is zero its part is too, and numpy's 0 / 0 is the NaN that is wanted."""
    with np.errstate(invalid="ignore"):
        return np.divide(part, whole)


RATIOS = {own.__name__: own for own in (f1, sensitivity, specificity, accuracy, precision, iou, mcc, kappa)}


def with_ratios(images: pd.DataFrame) -> pd.DataFrame:
    """Add the columns ``RATIOS`` to a table that has ``COUNTS``."""
    found = Counts(*images[[*COUNTS]].to_numpy().T)
    return images.assign(**{name: score(found) for name, score in RATIOS.items()})
