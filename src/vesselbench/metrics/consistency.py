"""Gates that our own numbers must pass before they are written, and a test for numbers of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

import numpy as np

from vesselbench.config import UserError
from vesselbench.metrics.counts import f1
from vesselbench.metrics.curves import Histogram
from vesselbench.metrics.pooled import pooled_auc, stack
from vesselbench.metrics.protocol import TRUTHS, Protocol
from vesselbench.metrics.record import ImageRecord

CHANCE, TOLERANCE, DEVIATIONS = 0.5, 0.005, 5.0


def jointly_possible(
    accuracy: float, sensitivity: float, specificity: float, vessel: int, background: int, digits: int = 4
) -> bool:
    """Tell whether three printed scores can be of one pooled confusion matrix with so many pixels.

    Accuracy = (sensitivity x vessel + specificity x background) / (vessel + background); each may be off by half a unit
    of its last digit, and each side of the equation by no more.

    Parameters
    ----------
    accuracy, sensitivity, specificity
        As printed, in [0, 1].
    vessel, background
        Pixels of the truth, at least one of either.
    digits
        Digits after the point.
    """
    half = 0.5 * 10.0**-digits
    implied = (sensitivity * vessel + specificity * background) / (vessel + background)
    return abs(implied - accuracy) <= 2 * half + 1e-12


def check_record(record: ImageRecord, truth: np.ndarray, fov: np.ndarray) -> None:
    """Refuse a record whose pixels are not those of its image.

    The native truth must have the pixels of the truth as read, at its own size, under both masks: it has not been
    resampled. The frame must be the field of view and what lies outside, counted by itself.

    Raises
    ------
    UserError
        Names the image, the gate and both numbers.
    """
    for mask, inside in (("fov", fov), ("frame", np.ones_like(fov))):
        vessel = np.count_nonzero(truth[inside])
        expected = (vessel, np.count_nonzero(inside) - vessel)
        found = sizes(record.histograms[mask, "native"])
        _demand(
            found == expected,
            f"{record.id}: the truth has {expected[0]} vessel and {expected[1]} background pixels under mask {mask}, "
            f"but {found[0]} and {found[1]} were scored: it was resampled, or the masks are mixed up",
        )
    for name in TRUTHS:
        whole, parts = record.histograms["frame", name], record.histograms["fov", name] + record.outside[name]
        _demand(
            np.array_equal(whole.positives, parts.positives) and np.array_equal(whole.negatives, parts.negatives),
            f"{record.id}: the whole frame is not the field of view plus what lies outside (truth: {name})",
        )


def check_scores(
    records: Sequence[ImageRecord], thresholds: Mapping[str, int], scores: Mapping[Protocol, Mapping[str, float]]
) -> None:
    """Refuse pooled scores that cannot be right together.

    - Accuracy, sensitivity and specificity belong to one confusion matrix of the pixels that there are.
    - F1 of the frame is that of the field of view once the pixels outside are added to its counts.
    - The permuted maps have an AUC of 0.5, over the pairs of pixels of each image, within 0.005, or within five
      standard deviations of chance where there are so few pixels that these are more. An AUC that survives permutation
      does not compare a pixel with its own truth.

    Raises
    ------
    UserError
        Names the gate, the protocol and the numbers.
    """
    for name in TRUTHS:
        inside = reduce(add, (record.histograms["fov", name] for record in records))
        outside = reduce(add, (record.outside[name] for record in records))
        for threshold, level in thresholds.items():
            frame, fov = (scores[Protocol(mask, truth=name, threshold=threshold)] for mask in ("frame", "fov"))
            for mask, values, pixels in (("fov", fov, inside), ("frame", frame, inside + outside)):
                three = [float(values[score]) for score in ("accuracy", "sensitivity", "specificity")]
                _demand(
                    np.isnan(three).any() or jointly_possible(*three, *sizes(pixels), digits=9),
                    f"accuracy {three[0]}, sensitivity {three[1]} and specificity {three[2]} are not of one "
                    f"confusion matrix ({Protocol(mask, truth=name, threshold=threshold)})",
                )
            expected = float(f1(inside.counts(level) + outside.counts(level)))
            _demand(
                np.isclose(frame["f1"], expected, rtol=1e-9, equal_nan=True),
                f"F1 of the whole frame is {frame['f1']}, but the field of view ({fov['f1']}) and the pixels outside "
                f"together give {expected} (truth {name}, threshold {threshold})",
            )
    area, deviation = area_of_chance([record.permuted for record in records])
    most = max(TOLERANCE, DEVIATIONS * deviation)
    _demand(
        np.isnan(area) or abs(area - CHANCE) <= most,
        f"permutation control: after the maps' pixels were permuted inside the field of view their AUC is {area:.4f}, "
        f"not {CHANCE} within {most:.4f}",
    )


def area_of_chance(permuted: Sequence[Histogram]) -> tuple[float, float]:
    """Give the AUC of maps whose pixels were permuted, each within its image, and its standard deviation by chance.

    Pairs of a vessel and a background pixel of one image alone count. Pairs of two images do not: an image with more
    vessel may have higher levels throughout, which permuting it does not take away. For P vessel and N background
    pixels the variance of one image's AUC is (P + N + 1) / (12 P N). NaN, NaN where no image has a pair.
    """
    vessel, background = np.array([sizes(pixels) for pixels in permuted], np.float64).T
    pairs = vessel * background
    if not pairs.any():
        return np.nan, np.nan
    areas = pooled_auc(stack(permuted), np.eye(len(permuted)))
    weights = pairs / pairs.sum()
    some = pairs > 0
    variance = weights[some] ** 2 * (vessel + background + 1)[some] / (12 * pairs[some])
    return float(weights[some] @ areas[some]), float(np.sqrt(variance.sum()))


def sizes(pixels: Histogram) -> tuple[int, int]:
    """Vessel and background pixels."""
    return int(pixels.positives.sum()), int(pixels.negatives.sum())


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise UserError(f"inconsistent scores, nothing was written: {message}; this is a mistake of the program")
