"""ROC and precision-recall from histograms, by hand and against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from vesselbench.metrics.counts import Counts, count
from vesselbench.metrics.curves import auc, average_precision, histogram, roc, thin

ALL = np.ones((2, 2), bool)
TRUTH = np.array([[1, 1], [0, 0]], np.uint8)
LEVELS = np.array([[900, 100], [500, 0]], np.uint16)  # from above: vessel, background, vessel, background


def random_map(seed, levels, shape=(60, 70)):
    """Truth, map and field of view, with as many ties as ``levels`` allows."""
    generator = np.random.default_rng(seed)
    truth = generator.random(shape) < 0.2
    map_ = (generator.integers(0, levels, shape) + truth * levels // 3).clip(0, levels - 1)
    return truth, (map_ * (65535 // (levels - 1))).astype(np.uint16), generator.random(shape) < 0.7


def test_four_pixels_by_hand():
    pixels = histogram(TRUTH, LEVELS, ALL)
    fpr, tpr = roc(pixels)
    assert fpr.tolist() == [0, 0, 0.5, 0.5, 1]
    assert tpr.tolist() == [0, 0.5, 0.5, 1, 1]
    assert auc(pixels) == 3 / 4  # of the four pairs one is the wrong way round
    assert average_precision(pixels) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_a_tie_counts_half():
    assert auc(histogram(TRUTH, np.array([[9, 5], [5, 5]], np.uint16), ALL)) == (1 + 1 + 0.5 + 0.5) / 4


@pytest.mark.parametrize("levels", [2, 5, 200, 65536])
def test_equals_scikit_learn(levels):
    truth, map_, fov = random_map(levels, levels)
    pixels = histogram(truth, map_, fov)
    fpr, tpr = roc(pixels)
    expected = roc_curve(truth[fov], map_[fov], drop_intermediate=False)
    np.testing.assert_allclose(fpr, expected[0], atol=1e-12)
    np.testing.assert_allclose(tpr, expected[1], atol=1e-12)
    assert auc(pixels) == pytest.approx(roc_auc_score(truth[fov], map_[fov]), abs=1e-12)
    assert average_precision(pixels) == pytest.approx(average_precision_score(truth[fov], map_[fov]), abs=1e-12)


def test_pooling_two_images_is_adding_their_histograms():
    (truth, map_, fov), (truth_2, map_2, fov_2) = random_map(1, 300), random_map(2, 300)
    both = histogram(truth, map_, fov) + histogram(truth_2, map_2, fov_2)
    labels, values = np.append(truth[fov], truth_2[fov_2]), np.append(map_[fov], map_2[fov_2])
    assert auc(both) == pytest.approx(roc_auc_score(labels, values), abs=1e-12)


@pytest.mark.parametrize("level", [0, 1, 32768, 65535])
def test_counts_at_a_level_are_those_of_the_pixels(level):
    truth, map_, fov = random_map(3, 65536)
    assert histogram(truth, map_, fov).counts(level) == count(truth, map_ >= level, fov)


def test_counts_by_hand():
    assert histogram(TRUTH, LEVELS, ALL).counts(500) == Counts(tp=1, fp=1, tn=1, fn=1)


@pytest.mark.parametrize(("truth", "precise"), [(np.zeros((2, 2)), math.nan), (np.ones((2, 2)), 1.0)])
def test_one_class_has_no_roc(truth, precise):
    pixels = histogram(truth, LEVELS, ALL)
    assert math.isnan(auc(pixels))
    assert average_precision(pixels) == pytest.approx(precise, nan_ok=True)
    assert np.isnan(roc(pixels)).any(axis=1).tolist() == [bool(truth.any()), not truth.any()]


def test_permuted_pixels_know_nothing():
    truth, map_, fov = random_map(5, 65536, (400, 400))
    shuffled = map_.copy()
    shuffled[fov] = np.random.default_rng(0).permutation(map_[fov])
    assert auc(histogram(truth, map_, fov)) > 0.7
    assert auc(histogram(truth, shuffled, fov)) == pytest.approx(0.5, abs=0.005)


def test_a_thinned_curve_keeps_its_ends_and_its_way():
    truth, map_, fov = random_map(4, 65536, (300, 300))
    fpr, tpr = roc(histogram(truth, map_, fov))
    few_fpr, few_tpr = thin(fpr, tpr, 100)
    assert few_fpr.size <= 100 < fpr.size
    assert (few_fpr[0], few_tpr[0], few_fpr[-1], few_tpr[-1]) == (0, 0, 1, 1)
    assert np.abs(np.interp(fpr, few_fpr, few_tpr) - tpr).max() < 0.02
    assert np.trapezoid(few_tpr, few_fpr) == pytest.approx(np.trapezoid(tpr, fpr), abs=1e-3)
    assert set(zip(few_fpr, few_tpr, strict=True)) <= set(zip(fpr, tpr, strict=True))


def test_a_short_curve_stays_as_it_is():
    fpr, tpr = roc(histogram(TRUTH, LEVELS, ALL))
    few_fpr, few_tpr = thin(fpr, tpr, 5)
    assert few_fpr is fpr
    assert few_tpr is tpr


def test_a_map_of_another_type_is_refused():
    with pytest.raises(ValueError, match="levels is of type float64; it must be uint16"):
        histogram(TRUTH, LEVELS / 65535, ALL)
