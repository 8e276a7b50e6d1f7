"""Areas under the curves from histograms, by hand and against scikit-learn."""

import math

import numpy as np
import pytest
from random_maps import ALL, QUAD, random_map
from sklearn.metrics import average_precision_score, roc_auc_score

from vesselbench.metrics.counts import Counts, count
from vesselbench.metrics.curves import auc, average_precision, histogram

LEVELS = np.array([[900, 100], [500, 0]], np.uint16)  # from above: vessel, background, vessel, background


def test_four_pixels_by_hand():
    pixels = histogram(QUAD, LEVELS, ALL)
    assert auc(pixels) == 3 / 4  # of the four pairs one is the wrong way round
    assert average_precision(pixels) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_a_tie_counts_half():
    assert auc(histogram(QUAD, np.array([[9, 5], [5, 5]], np.uint16), ALL)) == (1 + 1 + 0.5 + 0.5) / 4


@pytest.mark.parametrize("levels", [2, 5, 200, 65536])
def test_equals_scikit_learn(levels):
    truth, map_, fov = random_map(levels, levels)
    pixels = histogram(truth, map_, fov)
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
    assert histogram(QUAD, LEVELS, ALL).counts(500) == Counts(tp=1, fp=1, tn=1, fn=1)


@pytest.mark.parametrize(
    ("truth", "fov", "precise"),
    [(np.zeros((2, 2)), ALL, math.nan), (np.ones((2, 2)), ALL, 1.0), (QUAD, ~ALL, math.nan)],
)
def test_one_class_has_no_area(truth, fov, precise):
    pixels = histogram(truth, LEVELS, fov)
    assert math.isnan(auc(pixels))
    assert average_precision(pixels) == pytest.approx(precise, nan_ok=True)


def test_permuted_pixels_know_nothing():
    truth, map_, fov = random_map(5, 65536, (400, 400))
    shuffled = map_.copy()
    shuffled[fov] = np.random.default_rng(0).permutation(map_[fov])
    assert auc(histogram(truth, map_, fov)) > 0.7
    assert auc(histogram(truth, shuffled, fov)) == pytest.approx(0.5, abs=0.005)


def test_a_map_of_another_type_is_refused():
    with pytest.raises(ValueError, match="levels is of type float64; it must be uint16"):
        histogram(QUAD, LEVELS / 65535, ALL)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"levels has shape \(1, 2\), truth has \(2, 2\); they must be equal"):
        histogram(QUAD, LEVELS[:1], ALL)
