"""The bootstrap over images, and the comparison of two models, by hand and against the textbook."""

import math

import numpy as np
import pytest

from vesselbench.metrics.bootstrap import Comparison, compare, image_weights, interval


def test_a_sample_takes_as_many_images_as_there_are_each_as_often_and_the_same_for_a_seed():
    weights = image_weights(20, 500)
    assert weights.shape == (501, 20)
    assert (weights.sum(axis=1) == 20).all()
    assert (weights >= 0).all()
    assert weights[0].tolist() == [1] * 20
    assert image_weights(1, 3).tolist() == [[1]] * 4
    share = image_weights(10, 20000)[1:].mean(axis=0)
    assert np.abs(share - 1).max() < 5 * math.sqrt(0.9 / 20000)  # five standard errors of a binomial count's mean
    np.testing.assert_array_equal(image_weights(8, 100, seed=5), image_weights(8, 200, seed=5)[:101])
    assert (image_weights(8, 100, seed=5) != image_weights(8, 100, seed=6)).any()


def test_an_interval_by_hand_and_none_where_a_draw_is_undefined():
    assert interval(np.arange(101.0)) == pytest.approx((2.5, 97.5))
    assert interval(np.array([3.0])) == (3, 3)
    for draws in ([], [1.0, math.nan, 2.0]):
        assert np.isnan(interval(np.array(draws))).all()


def test_the_interval_of_a_mean_is_the_textbook_s():
    images, draws = 60, 20000
    values = np.random.default_rng(1).normal(0.8, 0.03, images)
    low, high = interval(image_weights(images, draws, seed=2)[1:] @ values / images)
    error = values.std() / math.sqrt(images)
    # the standard error of a 2.5 % quantile of so many normal draws is 0.019 of theirs; the mean's skew adds a little
    assert (low, high) == pytest.approx((values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.08 * error)


def paired(first, second, draws=1000):
    """Compare two models by the mean of their images."""
    images = np.array(first), np.array(second)
    weights = image_weights(len(first), draws)
    means, draws = zip(*((float(own.mean()), weights[1:] @ own / own.size) for own in images), strict=True)
    return compare(means, draws, images)


def test_four_images_by_hand():
    first, second = np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.8, 0.6, 0.4, 0.7])
    draws = np.linspace(0, 1, 101), np.zeros(101)
    # gaps .1 .2 .3 -.1: ranks 1.5 3 4 against 1.5; of the 16 ways to sign them 2 + 2 give a sum of 1.5 or less
    comparison = compare((0.75, 0.625), draws, (first, second))
    assert comparison.difference == 0.125
    assert (comparison.low, comparison.high) == pytest.approx((0.025, 0.975))
    assert comparison.p_value == pytest.approx(6 / 16)
    assert not comparison.supported


def test_pairs_take_away_what_images_share():
    easy = np.random.default_rng(0).random(20)
    better = easy + 0.01 + 0.001 * np.arange(20) / 20
    there, back = paired(better, easy), paired(easy, better)
    assert 0 < there.low <= there.difference <= there.high < 0.02
    assert there.p_value == pytest.approx(2 / 2**20)
    assert there.supported
    assert (back.difference, back.supported) == (-there.difference, True)


@pytest.mark.parametrize("images", range(1, 7))
def test_fewer_than_six_images_never_support_a_difference(images):
    comparison = paired(0.9 + 0.01 * np.arange(images), np.full(images, 0.1))
    assert comparison.low > 0
    assert comparison.p_value == 2 / 2**images
    assert comparison.supported == (images >= 6)


def test_an_interval_across_zero_and_five_images_that_differ_among_twenty_support_nothing():
    images = np.arange(1.0, 11), np.zeros(10)
    comparison = compare((0.1, 0.0), (np.array([-1.0, 1.0]), np.zeros(2)), images)
    assert comparison.p_value < 0.01
    assert not comparison.supported
    comparison = paired([0.9, 0.91, 0.92, 0.93, 0.94, *[0.1] * 15], [0.1] * 20)  # so many that p is approximated
    assert comparison.low > 0
    assert comparison.p_value < 0.05
    assert not comparison.supported


def test_equal_models_and_undefined_scores_support_nothing():
    same = paired([0.5, 0.6, 0.7], [0.5, 0.6, 0.7])
    assert same == Comparison(0, 0, 0, pytest.approx(math.nan, nan_ok=True), False)
    undefined = paired([math.nan, *[0.9] * 9], [0.1] * 10)
    assert np.isnan([undefined.low, undefined.p_value]).all()
    assert undefined.supported is False
