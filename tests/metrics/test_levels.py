"""What a level stands for: the 16-bit scale, and scales made for floating-point maps."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from vesselbench.metrics.connectivity import THETAS
from vesselbench.metrics.curves import auc, average_precision, histogram
from vesselbench.metrics.levels import LEVELS, SIXTEEN_BIT, fit_scale

THRESHOLDS = np.append(THETAS, [0.5, 0.1, 1 / 3])


@pytest.mark.parametrize(
    ("threshold", "level"), [(0, 0), (1e-9, 1), (0.2, 13107), (0.5, 32768), (1, 65535), (1.1, 65536)]
)
def test_the_level_of_a_threshold_is_the_lowest_that_reaches_it(threshold, level):
    assert SIXTEEN_BIT.level(threshold) == level


@pytest.mark.parametrize("threshold", THRESHOLDS[::20])
def test_sixteen_bit_levels_above_a_threshold_are_those_whose_probability_is(threshold):
    levels = np.arange(LEVELS)
    assert ((levels >= SIXTEEN_BIT.level(threshold)) == (levels / 65535 >= threshold)).all()


def test_sixteen_bit_maps_keep_their_levels():
    levels = np.arange(LEVELS).reshape(256, 256)
    np.testing.assert_array_equal(SIXTEEN_BIT.encode(levels / 65535), levels)


def heavy_tailed(seed, dtype):
    """A truth, and a map like a vesselness filter's: nearly all pixels close to 0, more values than levels."""
    generator = np.random.default_rng(seed)
    truth = generator.random((300, 320)) < 0.1
    return truth, ((generator.random(truth.shape) + 0.2 * truth) ** 8 * 1e-3).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_curves_of_a_heavy_tailed_map_equal_scikit_learn_on_its_numbers(dtype):
    truth, probability = heavy_tailed(0, dtype)
    assert np.unique(probability).size > LEVELS
    scale = fit_scale([probability], THRESHOLDS)
    pixels = histogram(truth, scale.encode(probability), np.ones(truth.shape, bool))
    labels, values = truth.ravel(), probability.ravel()
    assert auc(pixels) == pytest.approx(roc_auc_score(labels, values), abs=1e-6)
    assert average_precision(pixels) == pytest.approx(average_precision_score(labels, values), abs=1e-4)


def test_levels_of_many_values_hold_equally_many_pixels():
    probability = heavy_tailed(0, np.float64)[1]
    held = np.bincount(fit_scale([probability], THRESHOLDS).encode(probability).ravel())
    assert held.max() <= 1 + probability.size / 65000


def test_few_values_lose_nothing():
    generator = np.random.default_rng(1)
    values = generator.random(5000).astype(np.float32) ** 8  # steps between them down to 1e-30
    maps = [generator.choice(values, (60, 70)) for _ in range(2)]
    scale = fit_scale(maps, THRESHOLDS)
    for probability in maps:
        np.testing.assert_array_equal(scale.lowest[scale.encode(probability)], probability)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(30, 40), (300, 320)], ids=["few values", "many values"])
def test_every_threshold_is_exact(dtype, size):
    """With values on both sides of each threshold, one unit of the last place away, and on it."""
    probability = np.random.default_rng(2).random(size).astype(dtype)
    on = THRESHOLDS.astype(dtype)
    near = np.concatenate([on, np.nextafter(on, dtype(0)), np.nextafter(on, dtype(1))])
    probability.ravel()[: near.size] = near
    scale = fit_scale([probability], THRESHOLDS)
    levels = scale.encode(probability)
    for threshold in THRESHOLDS.tolist():
        np.testing.assert_array_equal(levels >= scale.level(threshold), probability >= threshold)


def test_a_scale_rises_and_keeps_the_precision_of_its_maps():
    for dtype in (np.float32, np.float64):
        scale = fit_scale([heavy_tailed(3, dtype)[1]], THRESHOLDS)
        used = scale.lowest[np.isfinite(scale.lowest)]
        assert scale.lowest.dtype == dtype
        assert scale.lowest.shape == (LEVELS,)
        assert (np.diff(used) > 0).all()
        assert used[0] == 0


def test_maps_scored_together_share_one_scale():
    one, other = np.full((2, 2), 0.25), np.full((2, 2), 0.75)
    scale = fit_scale([one, other], np.array([0.5]))
    assert scale.lowest[:4].tolist() == [0, 0.25, 0.5, 0.75]
    assert scale.encode(one).tolist() == [[1, 1], [1, 1]]
    assert scale.encode(other).tolist() == [[3, 3], [3, 3]]
