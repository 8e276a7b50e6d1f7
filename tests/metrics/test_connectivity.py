"""Connectivity: the sweep against labelling at every level, the score against Eq. 3 by hand."""

import math
import time

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.measure import label

from vesselbench.metrics.connectivity import connectivity, connectivity_curve, segments, thresholds


def labelled(levels):
    """Segments at every level, one labelling each."""
    return [label(levels >= 257 * k, connectivity=2, return_num=True)[1] for k in range(256)]


def smooth_map(seed, shape, sigma):
    blurred = gaussian_filter(np.random.default_rng(seed).random(shape), sigma)
    return np.rint(65535 * (blurred - blurred.min()) / np.ptp(blurred)).astype(np.uint16)


NOISE = np.random.default_rng(0).integers(0, 65536, (31, 42)).astype(np.uint16)
MAPS = {
    "noise": NOISE,
    "smooth": smooth_map(1, (60, 50), 2),
    "plateaus": NOISE // 20000 * 20000,
    "binary": np.where(NOISE > 40000, 65535, 0).astype(np.uint16),
    "level edges": (NOISE // 257 * 257 + np.array([0, 256] * 21)).clip(0, 65535).astype(np.uint16),
    "all 0": np.zeros((5, 7), np.uint16),
    "all 1": np.full((5, 7), 65535, np.uint16),
    "constant": np.full((5, 7), 1000, np.uint16),
    "one row": NOISE[:1],
    "one column": NOISE[:, :1],
    "one pixel": NOISE[:1, :1],
}


@pytest.mark.parametrize("name", MAPS)
def test_the_sweep_equals_labelling_at_every_level(name):
    assert segments(MAPS[name]).tolist() == labelled(MAPS[name])


def test_diagonal_neighbours_are_one_segment():
    levels = np.array([[65535, 0, 0], [0, 65535, 0], [0, 0, 0]], np.uint16)
    assert segments(levels)[1:].tolist() == [1] * 255


def test_thresholds_are_those_of_the_levels():
    assert thresholds()[[0, 51, 255]].tolist() == [0, 0.2, 1]
    assert segments(np.array([[256, 257]], np.uint16))[:3].tolist() == [1, 1, 0]


def bar(length=40):
    """A vessel one pixel wide, which is its own skeleton."""
    truth = np.zeros((5, length), np.uint8)
    truth[2] = 1
    return truth


def test_the_curve_by_hand():
    truth = bar()  # one segment of 40 pixels: S_max = .05 x 40 = 2
    levels = np.zeros(truth.shape, np.uint16)
    levels[2] = 128 * 257
    levels[2, ::13] = 65535  # above 128/255 the bar falls into 4 dots: |4 - 1| > S_max
    levels[2, 39] = 0
    levels[2, 26] = 128 * 257  # now 2 dots
    theta, score = connectivity_curve(truth, levels)
    assert score[:129].tolist() == [1] * 129
    assert score[129:].tolist() == [0.5] * 127
    assert connectivity(truth, levels) == pytest.approx((128 + 0.75 + 0.5 * 126) / 255)
    assert (theta[0], theta[-1]) == (0, 1)


def test_too_many_fragments_score_zero_and_not_less():
    truth = bar()
    levels = np.zeros(truth.shape, np.uint16)
    levels[2, ::2] = 65535
    theta, score = connectivity_curve(truth, levels)
    assert score.tolist() == [1] + [0] * 255
    assert connectivity(truth, levels) == pytest.approx(0.5 / 255)


def test_a_wider_tolerance_forgives_more():
    truth, levels = bar(), np.zeros((5, 40), np.uint16)  # nothing found: |0 - 1| of S_max = 2, then 4
    assert connectivity_curve(truth, levels)[1][-1] == 0.5
    assert connectivity_curve(truth, levels, tolerance=0.1)[1][-1] == 0.75


def test_the_truth_itself_scores_one():
    assert connectivity(bar(), bar() * np.uint16(65535)) == 1


def test_without_vessels_in_truth_there_is_no_score():
    empty = np.zeros((4, 4), np.uint8)
    assert np.isnan(connectivity_curve(empty, empty.astype(np.uint16))[1]).all()
    assert math.isnan(connectivity(empty, empty.astype(np.uint16)))


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"levels has shape \(5, 41\), truth has \(5, 40\)"):
        connectivity(bar(), np.zeros((5, 41), np.uint16))


def test_a_map_of_full_size_takes_a_second_at_most():
    field = smooth_map(2, (584, 565), 2).astype(float) / 65535
    levels = np.rint(65535 / (1 + np.exp(-30 * (field - 0.6)))).astype(np.uint16)  # like a network's output
    start = time.process_time()
    segments(levels)
    assert time.process_time() - start < 2  # half a second where nothing else runs
