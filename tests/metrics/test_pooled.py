"""Curves of many bootstrap samples at once, against the same samples made pixel by pixel."""

import numpy as np
import pytest
from random_maps import ALL, QUAD, random_map
from sklearn.metrics import average_precision_score, roc_auc_score

from vesselbench.metrics.curves import auc, average_precision, histogram
from vesselbench.metrics.pooled import CHUNK, pooled_auc, pooled_average_precision, stack, thinned
from vesselbench.metrics.statistics import image_weights

ONE = np.ones((1, 1), np.int64)


def test_a_stack_by_hand():
    two = [histogram(QUAD, np.array(levels, np.uint16), ALL) for levels in ([[9, 5], [7, 0]], [[7, 7], [7, 3]])]
    images = stack(two)
    assert images.levels.tolist() == [65536, 9, 7, 5, 3, 0]
    assert images.tp.tolist() == [[0, 1, 1, 2, 2, 2], [0, 0, 2, 2, 2, 2]]
    assert images.fp.tolist() == [[0, 0, 1, 1, 1, 2], [0, 0, 1, 1, 2, 2]]


def test_four_pixels_by_hand():
    images = stack([histogram(QUAD, np.array([[900, 100], [500, 0]], np.uint16), ALL)])
    assert pooled_auc(images, ONE).tolist() == [3 / 4]
    assert pooled_average_precision(images, ONE) == pytest.approx([(1 + 2 / 3) / 2], abs=1e-15)


@pytest.mark.parametrize("levels", [2, 40, 65536])
def test_a_sample_equals_scikit_learn_on_repeated_pixels(levels):
    maps = [random_map(seed, levels, (40, 50)) for seed in range(4)]
    images = stack([histogram(*one) for one in maps])
    weights = np.array([[1, 1, 1, 1], [2, 0, 1, 1], [0, 0, 4, 0]])
    for row, area, precise in zip(
        weights, pooled_auc(images, weights), pooled_average_precision(images, weights), strict=True
    ):
        taken = [maps[image] for image in np.repeat(np.arange(4), row)]
        truth = np.concatenate([truth[fov] for truth, _, fov in taken])
        values = np.concatenate([levels[fov] for _, levels, fov in taken])
        assert area == pytest.approx(roc_auc_score(truth, values), abs=1e-12)
        assert precise == pytest.approx(average_precision_score(truth, values), abs=1e-12)


@pytest.mark.parametrize("draws", [1, CHUNK - 2, CHUNK, 2 * CHUNK + 5])
def test_every_draw_equals_its_pooled_histogram(draws):
    histograms = [histogram(*random_map(seed, 65536)) for seed in range(5)]
    weights = image_weights(5, draws, seed=3)
    both = pooled_auc(stack(histograms), weights), pooled_average_precision(stack(histograms), weights)
    for row, area, precise in zip(weights, *both, strict=True):
        first, *others = (histograms[image] for image in np.repeat(np.arange(5), row))
        pixels = sum(others, first)
        assert area == pytest.approx(auc(pixels), abs=1e-12)
        assert precise == pytest.approx(average_precision(pixels), abs=1e-12)


def test_a_sample_without_vessels_has_no_area():
    levels = np.array([[900, 100], [500, 0]], np.uint16)
    images = stack([histogram(truth, levels, ALL) for truth in (QUAD, np.zeros((2, 2)), np.ones((2, 2)))])
    weights = np.array([[3, 0, 0], [0, 3, 0], [0, 0, 3], [0, 1, 1]])
    assert np.isnan(pooled_auc(images, weights)).tolist() == [False, True, True, False]
    assert np.isnan(pooled_average_precision(images, weights)).tolist() == [False, True, False, False]


def test_a_thinned_curve_keeps_its_ends_and_its_way():
    images = stack([histogram(*random_map(seed, 65536, (200, 200))) for seed in (4, 5)])
    few = thinned(images, 100)
    assert few.levels.size <= 100 < images.levels.size
    assert (few.levels[0], few.levels[-1]) == (65536, images.levels[-1])
    kept = np.isin(images.levels, few.levels)
    np.testing.assert_array_equal(few.tp, images.tp[:, kept])
    np.testing.assert_array_equal(few.fp, images.fp[:, kept])
    tpr, fpr = (side.sum(axis=0) / side[:, -1].sum() for side in (few.tp, few.fp))
    skips = np.diff(np.flatnonzero(kept)) > 1  # where levels were left out, a step is an equal share of the way
    assert (np.diff(tpr) + np.diff(fpr))[skips].max() < 1.1 * 2 / 99
    assert np.trapezoid(tpr, fpr) == pytest.approx(pooled_auc(images, np.ones((1, 2)))[0], abs=1e-3)


def test_a_short_curve_stays_as_it_is():
    images = stack([histogram(QUAD, np.array([[900, 100], [500, 0]], np.uint16), ALL)])
    assert thinned(images, 5) is images
    assert thinned(images, 4).levels.size <= 4


def test_a_curve_of_one_class_can_be_thinned():
    images = stack([histogram(np.zeros((2, 2)), np.array([[9, 1], [5, 0]], np.uint16), ALL)])
    assert thinned(images, 2).levels.tolist() == [65536, 0]
