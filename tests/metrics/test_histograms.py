"""Areas under curves of one image and of many bootstrap samples, by hand and against scikit-learn."""

import math

import numpy as np
import pytest
from random_maps import ALL, LEVELS, QUAD, areas, count, random_map
from sklearn.metrics import average_precision_score, roc_auc_score

from vesselbench.metrics.bootstrap import image_weights
from vesselbench.metrics.counts import Counts
from vesselbench.metrics.histograms import CHUNK, histogram, pooled_auc, pooled_average_precision, stack, thinned


def test_four_pixels_by_hand():
    # of the four pairs one is the wrong way round
    assert areas(histogram(QUAD, LEVELS, ALL)) == (3 / 4, pytest.approx(0.5 * 1 + 0.5 * 2 / 3, abs=1e-15))
    # a tie counts half
    assert areas(histogram(QUAD, np.array([[9, 5], [5, 5]], np.uint16), ALL))[0] == (1 + 1 + 0.5 + 0.5) / 4


@pytest.mark.parametrize("levels", [2, 5, 200, 65536])
def test_one_image_equals_scikit_learn(levels):
    truth, map_, fov = random_map(levels, levels)
    expected = roc_auc_score(truth[fov], map_[fov]), average_precision_score(truth[fov], map_[fov])
    assert areas(histogram(truth, map_, fov)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("level", [0, 1, 32768, 65535])
def test_counts_at_a_level_are_those_of_the_pixels(level):
    truth, map_, fov = random_map(3, 65536)
    found = map_ >= level
    expected = [np.count_nonzero(fov & side) for side in (truth & found, ~truth & found, ~truth & ~found)]
    counts = histogram(truth, map_, fov).counts(level)
    assert counts == Counts(*expected, np.count_nonzero(fov) - sum(expected)) == count(truth, found, fov)


def test_counts_and_sizes_by_hand():
    assert histogram(QUAD, LEVELS, ALL).counts(500) == Counts(tp=1, fp=1, tn=1, fn=1)
    assert histogram(QUAD, LEVELS, np.array([[1, 1], [1, 0]], bool)).sizes == (2, 1)


@pytest.mark.parametrize(
    ("truth", "fov", "precise"),
    [(np.zeros((2, 2)), ALL, math.nan), (np.ones((2, 2)), ALL, 1.0), (QUAD, ~ALL, math.nan)],
)
def test_one_class_has_no_area(truth, fov, precise):
    assert areas(histogram(truth, LEVELS, fov)) == pytest.approx((math.nan, precise), nan_ok=True)


def test_what_is_no_map_of_the_truth_is_refused():
    with pytest.raises(ValueError, match="levels is of type float64; it must be uint16"):
        histogram(QUAD, LEVELS / 65535, ALL)
    with pytest.raises(ValueError, match=r"truth is \(2, 2\), levels \(1, 2\), fov \(2, 2\); all must be one"):
        histogram(QUAD, LEVELS[:1], ALL)
    with pytest.raises(ValueError, match=r"fov \(1, 2\); all must be one"):
        histogram(QUAD, LEVELS, ALL[:1])
    with pytest.raises(ValueError, match=r"truth is \(4,\), .*; all must be one \(H, W\)"):
        histogram(QUAD.ravel(), LEVELS.ravel(), ALL.ravel())


def test_a_stack_by_hand():
    two = [histogram(QUAD, np.array(levels, np.uint16), ALL) for levels in ([[9, 5], [7, 0]], [[7, 7], [7, 3]])]
    images = stack(two)  # of the levels 9, 7, 5, 3, 0
    assert images.tp.tolist() == [[0, 1, 1, 2, 2, 2], [0, 0, 2, 2, 2, 2]]
    assert images.fp.tolist() == [[0, 0, 1, 1, 1, 2], [0, 0, 1, 1, 2, 2]]


@pytest.mark.parametrize("levels", [2, 40, 65536])
@pytest.mark.parametrize("draws", [1, CHUNK + 5])
def test_a_sample_equals_scikit_learn_on_repeated_pixels(levels, draws):
    maps = [random_map(seed, levels, (15, 20)) for seed in range(4)]
    images, weights = stack([histogram(*one) for one in maps]), image_weights(4, draws, seed=3)
    weights[-1] = [0, 0, 4, 0]
    both = pooled_auc(images, weights), pooled_average_precision(images, weights)
    assert both[0].shape == both[1].shape == (draws + 1,)
    for row, *found in zip(weights, *both, strict=True):
        taken = [maps[image] for image in np.repeat(np.arange(4), row)]
        truth = np.concatenate([truth[fov] for truth, _, fov in taken])
        values = np.concatenate([levels[fov] for _, levels, fov in taken])
        expected = roc_auc_score(truth, values), average_precision_score(truth, values)
        assert found == pytest.approx(expected, abs=1e-12)


def test_a_sample_without_vessels_has_no_area():
    images = stack([histogram(truth, LEVELS, ALL) for truth in (QUAD, np.zeros((2, 2)), np.ones((2, 2)))])
    weights = np.array([[3, 0, 0], [0, 3, 0], [0, 0, 3], [0, 1, 1]])
    assert np.isnan(pooled_auc(images, weights)).tolist() == [False, True, True, False]
    assert np.isnan(pooled_average_precision(images, weights)).tolist() == [False, True, False, False]


def test_a_thinned_curve_keeps_its_ends_and_its_way():
    images = stack([histogram(*random_map(seed, 65536, (200, 200))) for seed in (4, 5)])
    few = thinned(images, 100)
    points, kept = (set(zip(*one.tp, *one.fp, strict=True)) for one in (images, few))
    assert few.tp.shape[1] <= 100 < images.tp.shape[1]
    assert kept <= points
    assert few.tp[:, 0].tolist() == few.fp[:, 0].tolist() == [0, 0]
    assert few.tp[:, -1].tolist() == images.tp[:, -1].tolist()
    tpr, fpr = (side.sum(axis=0) / side[:, -1].sum() for side in (few.tp, few.fp))
    steps = (np.diff(tpr) + np.diff(fpr))[1:]  # the first is a tie, at the highest level
    assert steps.max() < 1.1 * 2 / 99  # they are equal shares of the way
    assert np.trapezoid(tpr, fpr) == pytest.approx(pooled_auc(images, np.ones((1, 2)))[0], abs=1e-3)
    images = stack([histogram(QUAD, LEVELS, ALL)])
    assert thinned(images, 5) is images
    assert thinned(images, 4).tp.shape[1] <= 4
    one_class = thinned(stack([histogram(np.zeros((2, 2)), LEVELS, ALL)]), 2)
    assert (one_class.tp.tolist(), one_class.fp.tolist()) == ([[0, 0]], [[0, 4]])
