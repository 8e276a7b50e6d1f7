"""Counts and the ratios made of them, against answers worked out by hand."""

import math

import numpy as np
import pytest

from vesselbench.metrics.counts import (
    Counts,
    accuracy,
    count,
    f1,
    iou,
    kappa,
    mcc,
    precision,
    sensitivity,
    specificity,
)

TRUTH = np.array([[1, 1], [0, 0]], np.uint8)
FOUND = np.array([[1, 0], [1, 0]], np.uint8)
ALL = np.ones((2, 2), bool)
SCORES = [sensitivity, specificity, accuracy, precision, f1, iou, mcc, kappa]


def test_four_pixels_of_each_kind():
    assert count(TRUTH, FOUND, ALL) == Counts(tp=1, fp=1, tn=1, fn=1)


def test_only_the_field_of_view_counts():
    assert count(TRUTH, FOUND, np.array([[True, True], [False, False]])) == Counts(tp=1, fp=0, tn=0, fn=1)


def test_any_value_but_zero_is_vessel():
    assert count(TRUTH * 255, FOUND.astype(bool), ALL) == Counts(1, 1, 1, 1)


def test_an_empty_field_of_view_counts_nothing():
    assert count(TRUTH, FOUND, ~ALL) == Counts(0, 0, 0, 0)


def test_counts_add_up():
    assert Counts(1, 2, 3, 4) + Counts(10, 20, 30, 40) == Counts(11, 22, 33, 44)


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (sensitivity, 6 / 8),
        (specificity, 88 / 92),
        (accuracy, 94 / 100),
        (precision, 6 / 10),
        (f1, 12 / 18),
        (iou, 6 / 12),
        (mcc, (6 * 88 - 4 * 2) / math.sqrt(10 * 8 * 92 * 90)),
        (kappa, (0.94 - 0.836) / (1 - 0.836)),  # chance agrees on .1 x .08 + .9 x .92 = .836
    ],
)
def test_scores_by_hand(score, expected):
    assert score(Counts(tp=6, fp=4, tn=88, fn=2)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("score", "counts"),
    [
        (sensitivity, Counts(0, 1, 1, 0)),
        (specificity, Counts(1, 0, 0, 1)),
        (precision, Counts(0, 0, 1, 1)),
        (f1, Counts(0, 0, 4, 0)),
        (iou, Counts(0, 0, 4, 0)),
        (mcc, Counts(0, 0, 3, 1)),
        (kappa, Counts(0, 0, 4, 0)),
        *((score, Counts(0, 0, 0, 0)) for score in SCORES),
    ],
)
def test_a_zero_denominator_gives_nan(score, counts):
    assert math.isnan(score(counts))


@pytest.mark.parametrize("score", [score for score in SCORES if score is not kappa and score is not mcc])
def test_a_perfect_prediction_scores_one(score):
    assert score(count(TRUTH, TRUTH, ALL)) == 1


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"prediction has shape \(2, 3\), truth has \(2, 2\); they must be equal"):
        count(TRUTH, np.zeros((2, 3)), ALL)
    with pytest.raises(ValueError, match=r"truth has shape \(4,\); it must be \(H, W\)"):
        count(TRUTH.ravel(), FOUND.ravel(), ALL.ravel())
