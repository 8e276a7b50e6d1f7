"""Counts and the ratios made of them, against answers worked out by hand."""

import math

import numpy as np
import pytest
from random_maps import ALL, QUAD, random_map
from sklearn.metrics import cohen_kappa_score, matthews_corrcoef

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

FOUND = np.array([[1, 0], [1, 0]], np.uint8)
SCORES = [sensitivity, specificity, accuracy, precision, f1, iou, mcc, kappa]


def test_one_pixel_of_each_kind():
    assert count(QUAD, FOUND, ALL) == Counts(tp=1, fp=1, tn=1, fn=1)


def test_only_the_field_of_view_counts():
    assert count(QUAD, FOUND, np.array([[True, True], [False, False]])) == Counts(tp=1, fp=0, tn=0, fn=1)


def test_any_value_but_zero_is_vessel():
    assert count(QUAD * 255, FOUND.astype(bool), ALL) == Counts(1, 1, 1, 1)


def test_an_empty_field_of_view_counts_nothing():
    assert count(QUAD, FOUND, ~ALL) == Counts(0, 0, 0, 0)


def test_counts_add_up():
    assert Counts(1, 2, 3, 4) + Counts(10, 20, 30, 40) == Counts(11, 22, 33, 44)


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (sensitivity, 1 / 2),
        (specificity, 1),
        (accuracy, 3 / 4),
        (precision, 1),
        (f1, 2 / 3),
        (iou, 1 / 2),
        (mcc, (1 * 2 - 0 * 1) / math.sqrt(1 * 2 * 2 * 3)),
        (kappa, (3 / 4 - 1 / 2) / (1 - 1 / 2)),  # chance agrees on 1/4 x 1/2 + 3/4 x 1/2
    ],
)
def test_four_pixels_by_hand(score, expected):
    one_of_two = np.array([[1, 0], [0, 0]])
    assert score(count(QUAD, one_of_two, ALL)) == pytest.approx(expected, abs=1e-12)


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
def test_a_hundred_pixels_by_hand(score, expected):
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


@pytest.mark.parametrize("score", SCORES)
def test_a_perfect_prediction_scores_one(score):
    assert score(count(QUAD, QUAD, ALL)) == 1


@pytest.mark.parametrize(("score", "expected"), [(mcc, matthews_corrcoef), (kappa, cohen_kappa_score)])
@pytest.mark.parametrize("level", [10000, 50000, 65535])
def test_agreement_beyond_chance_equals_scikit_learn(score, expected, level):
    truth, levels, fov = random_map(level, 65536)
    found = levels >= level
    assert score(count(truth, found, fov)) == pytest.approx(expected(truth[fov], found[fov]), abs=1e-12)


@pytest.mark.parametrize("score", SCORES)
def test_counts_may_be_arrays(score):
    several = score(Counts(np.array([1, 6, 0]), np.array([0, 4, 0]), np.array([2, 88, 0]), np.array([1, 2, 0])))
    expected = [score(Counts(1, 0, 2, 1)), score(Counts(6, 4, 88, 2)), math.nan]
    np.testing.assert_array_equal(several, expected)


@pytest.mark.parametrize("score", [mcc, kappa])
def test_products_of_large_counts_do_not_overflow(score):
    small, large = Counts(6, 4, 88, 2), Counts(*(np.int64(10**8 * part) for part in (6, 4, 88, 2)))
    assert score(large) == pytest.approx(score(small), abs=1e-12)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"prediction has shape \(2, 3\), truth has \(2, 2\); they must be equal"):
        count(QUAD, np.zeros((2, 3)), ALL)
    with pytest.raises(ValueError, match=r"truth has shape \(4,\); it must be \(H, W\)"):
        count(QUAD.ravel(), FOUND.ravel(), ALL.ravel())
