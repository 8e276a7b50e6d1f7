"""Counts and the ratios made of them, against answers worked out by hand."""

import math

import numpy as np
import pytest
from random_maps import ALL, QUAD, count, random_map
from sklearn import metrics

from vesselbench.metrics.counts import Counts, accuracy, f1, iou, kappa, mcc, precision, sensitivity, specificity

FOUND = np.array([[1, 0], [1, 0]], np.uint8)
SCORES = [sensitivity, specificity, accuracy, precision, f1, iou, mcc, kappa]


def test_only_the_field_of_view_counts():
    assert count(QUAD, FOUND, np.array([[True, True], [False, False]])) == Counts(tp=1, fp=0, tn=0, fn=1)
    assert count(QUAD, FOUND, ~ALL) == Counts(0, 0, 0, 0)


@pytest.mark.parametrize("truth", [QUAD, QUAD * 255, QUAD.astype(bool), QUAD / 3])
def test_one_pixel_of_each_kind_where_any_value_but_zero_is_vessel(truth):
    assert count(truth, FOUND, ALL) == Counts(tp=1, fp=1, tn=1, fn=1)


@pytest.mark.parametrize(("score", "of_four", "of_hundred"), [
    (sensitivity, 1 / 2, 6 / 8),
    (specificity, 1, 88 / 92),
    (accuracy, 3 / 4, 94 / 100),
    (precision, 1, 6 / 10),
    (f1, 2 / 3, 12 / 18),
    (iou, 1 / 2, 6 / 12),
    (mcc, (1 * 2 - 0 * 1) / math.sqrt(1 * 2 * 2 * 3), (6 * 88 - 4 * 2) / math.sqrt(10 * 8 * 92 * 90)),
    # chance agrees on 1/4 x 1/2 + 3/4 x 1/2, and on .1 x .08 + .9 x .92 = .836
    (kappa, (3 / 4 - 1 / 2) / (1 - 1 / 2), (0.94 - 0.836) / (1 - 0.836)),
])  # fmt: skip
def test_four_and_a_hundred_pixels_by_hand(score, of_four, of_hundred):
    one_of_two = np.array([[1, 0], [0, 0]])
    assert score(count(QUAD, one_of_two, ALL)) == pytest.approx(of_four, abs=1e-12)
    assert score(Counts(tp=6, fp=4, tn=88, fn=2)) == pytest.approx(of_hundred, abs=1e-12)


@pytest.mark.parametrize(("score", "counts"), [
    (sensitivity, Counts(0, 1, 1, 0)),
    (specificity, Counts(1, 0, 0, 1)),
    (precision, Counts(0, 0, 1, 1)),
    (f1, Counts(0, 0, 4, 0)),
    (iou, Counts(0, 0, 4, 0)),
    (mcc, Counts(0, 0, 3, 1)),
    (kappa, Counts(0, 0, 4, 0)),
    *((score, Counts(0, 0, 0, 0)) for score in SCORES),
])  # fmt: skip
def test_a_zero_denominator_gives_nan(score, counts):
    assert math.isnan(score(counts))


@pytest.mark.parametrize("level", [10000, 50000, 65535])
def test_every_score_equals_scikit_learn_s(level):
    truth, levels, fov = random_map(level, 65536)
    found = levels >= level
    names = ["recall", "recall", "accuracy", "precision", "f1", "jaccard", "matthews_corrcoef", "cohen_kappa"]
    for score, name in zip(SCORES, names, strict=True):
        theirs = getattr(metrics, name if name == "matthews_corrcoef" else f"{name}_score")
        expected = theirs(truth[fov], found[fov], **({"pos_label": 0} if score is specificity else {}))
        assert score(count(truth, found, fov)) == pytest.approx(expected, abs=1e-12), name


@pytest.mark.parametrize("score", SCORES)
def test_counts_may_be_arrays(score):
    several = score(Counts(np.array([1, 6, 0]), np.array([0, 4, 0]), np.array([2, 88, 0]), np.array([1, 2, 0])))
    expected = [score(Counts(1, 0, 2, 1)), score(Counts(6, 4, 88, 2)), math.nan]
    np.testing.assert_array_equal(several, expected)


@pytest.mark.parametrize("score", [mcc, kappa])
def test_products_of_large_counts_do_not_overflow(score):
    small, large = Counts(6, 4, 88, 2), Counts(*(np.int64(10**8 * part) for part in (6, 4, 88, 2)))
    assert score(large) == pytest.approx(score(small), abs=1e-12)
