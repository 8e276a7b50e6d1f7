"""Connectivity: the sweep against labelling at every level, the score against Eq. 3 by hand."""

import time

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.measure import label
from skimage.morphology import max_tree

from vesselbench.metrics.connectivity import (
    NEIGHBOURS,
    OURS,
    READINGS,
    SKELETONS,
    THETAS,
    Reading,
    Skeleton,
    connectivity,
    connectivity_curve,
    counted,
    describe_truth,
    segments,
)
from vesselbench.metrics.levels import SIXTEEN_BIT, fit_scale


def labelled(probability, thetas, neighbours):
    """Segments at every threshold, one labelling each."""
    axes = NEIGHBOURS[neighbours]
    return [label(probability >= theta, connectivity=axes, return_num=True)[1] for theta in thetas]


def from_max_tree(levels, thetas, neighbours):
    """Segments at every threshold: nodes of the component tree that live there, above their parent up to their own."""
    levels = np.pad(levels, 1)  # a rim of 0, for scikit-image's takes nothing narrower than three pixels
    parents, order = max_tree(levels, connectivity=NEIGHBOURS[neighbours])
    own, above = levels.ravel().astype(int), levels.ravel()[parents.ravel()].astype(int)
    above[order[0]] = -1  # the root has no parent
    return [int(np.count_nonzero((above < k) & (k <= own))) for k in np.ceil(65535 * thetas - 1e-9)]


def smooth_map(seed, shape, sigma):
    blurred = gaussian_filter(np.random.default_rng(seed).random(shape), sigma)
    return np.rint(65535 * (blurred - blurred.min()) / np.ptp(blurred)).astype(np.uint16)


NOISE = np.random.default_rng(0).integers(0, 65536, (21, 32)).astype(np.uint16)
ON_THETAS = np.rint(65535 * THETAS[np.random.default_rng(1).integers(0, THETAS.size, (23, 19))]).astype(np.uint16)
MAPS = {
    "noise": NOISE,
    "smooth": smooth_map(1, (40, 30), 2),
    "heavy-tailed": (65535 * (NOISE / 65535) ** 8).astype(np.uint16),
    "bright": np.maximum(NOISE, 30000),
    "dark": NOISE // 3,
    "plateaus": NOISE // 20000 * 20000,
    "sparse": np.where(NOISE > 60000, NOISE, 0).astype(np.uint16),
    "binary": np.where(NOISE > 40000, 65535, 0).astype(np.uint16),
    "chessboard": (np.indices((9, 8)).sum(axis=0) % 2 * 65535).astype(np.uint16),
    "on the thresholds": ON_THETAS,
    "just below them": np.maximum(ON_THETAS, 1) - np.uint16(1),
    "all 0": np.zeros((5, 7), np.uint16),
    "all 1": np.full((5, 7), 65535, np.uint16),
    "constant": np.full((5, 7), 1000, np.uint16),
    "one row": NOISE[:1],
    "one column": NOISE[:, :1],
    "two columns": NOISE[:, :2],
    "one pixel": NOISE[:1, :1],
}


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
@pytest.mark.parametrize("name", MAPS)
def test_the_sweep_equals_labelling_at_every_threshold(name, neighbours):
    levels = MAPS[name]
    found = segments(levels, THETAS, neighbours).tolist()
    assert found == labelled(levels / 65535, THETAS, neighbours)
    assert found == from_max_tree(levels, THETAS, neighbours)


@pytest.mark.parametrize("seed", range(12))
def test_the_sweep_equals_labelling_on_maps_of_any_size_and_spread(seed):
    generator = np.random.default_rng(seed)
    shape, power = generator.integers(1, 25, 2), generator.choice([0.1, 1, 5])
    levels = np.rint(65535 * generator.random(shape) ** power).astype(np.uint16)
    thetas = np.sort(generator.random(40))
    for neighbours in NEIGHBOURS:
        assert segments(levels, thetas, neighbours).tolist() == labelled(levels / 65535, thetas, neighbours)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sweep_equals_labelling_on_a_scale_of_its_own(dtype):
    probability = (np.random.default_rng(0).random((300, 260)) ** 8).astype(dtype)  # more values than levels
    thetas = np.array([0, 1e-9, 1e-3, 0.1, 0.5, 0.9, 1])
    scale = fit_scale([probability], thetas)
    for neighbours in NEIGHBOURS:
        found = segments(scale.encode(probability), thetas, neighbours, scale).tolist()
        assert found == labelled(probability, thetas.tolist(), neighbours)


def test_every_reading_finds_its_thresholds_among_all():
    for reading in READINGS:
        assert THETAS[np.searchsorted(THETAS, reading.thetas)].tolist() == reading.thetas.tolist()


def test_the_readings():
    assert len(READINGS) == len(set(READINGS)) == 2 * 4 * 2 + 4
    assert OURS in READINGS
    assert Reading(8, 256, "zhang") == OURS
    assert OURS.thetas[[0, 51, 255]].tolist() == [0, 0.2, 1]
    assert Reading(levels=11).thetas.tolist() == [k / 10 for k in range(11)]


def test_four_pixels_by_hand():
    levels = np.array([[65535, 10000], [20000, 65535]], np.uint16)
    thetas = np.array([0, 0.1, 0.2, 0.5, 1])
    assert segments(levels, thetas, 8).tolist() == [1, 1, 1, 1, 1]
    assert segments(levels, thetas, 4).tolist() == [1, 1, 1, 2, 2]
    assert segments(np.zeros((2, 2), np.uint16), thetas).tolist() == [1, 0, 0, 0, 0]


@pytest.mark.parametrize("shape", [(40, 50), (2, 30)])
def test_the_counts_of_all_readings_equal_labelling(shape):
    levels = np.random.default_rng(0).integers(1, 65536, shape, dtype=np.uint16)
    levels.setflags(write=False)
    found = counted(levels)
    assert list(found) == list(READINGS)
    for reading, counts in found.items():
        expected = []
        for theta in reading.thetas:
            pieces = label(levels >= SIXTEEN_BIT.level(theta), connectivity=NEIGHBOURS[reading.neighbours])
            expected.append(int((np.bincount(pieces.ravel())[1:] >= reading.smallest).sum()) if theta else 1)
        assert counts.tolist() == expected


def test_a_truth_by_hand():
    bar = np.zeros((5, 9), np.uint8)
    bar[2] = 255  # one pixel wide: its own skeleton
    assert describe_truth(bar) == Skeleton({8: 1, 4: 1}, {"zhang": 9, "lee": 9})
    assert describe_truth(np.eye(2)).segments == {8: 1, 4: 2}
    assert describe_truth(np.zeros((2, 2))) == Skeleton({8: 0, 4: 0}, {"zhang": 0, "lee": 0})


@pytest.mark.parametrize("seed", range(10))
def test_a_vessel_of_any_shape_has_a_skeleton(seed):
    generator = np.random.default_rng(seed)
    truth = generator.random(generator.integers(1, 6, 2)) < 0.5
    assert [describe_truth(truth).pixels[method] > 0 for method in SKELETONS] == [truth.any()] * 2


BAR = Skeleton({8: 1, 4: 1}, {"zhang": 40, "lee": 20})  # S_max = .05 x 40 = 2, with Lee's skeleton 1


def test_the_curve_by_hand():
    found = np.array([1, 1, 2, 3, 4, 0])
    assert connectivity_curve(BAR, found).tolist() == [1, 1, 0.5, 0, 0, 0.5]
    assert connectivity_curve(BAR, found, tolerance=0.1).tolist() == [1, 1, 0.75, 0.5, 0.25, 0.75]
    assert connectivity_curve(BAR, found, Reading(skeleton="lee")).tolist() == [1, 1, 0, 0, 0, 0]


def test_each_reading_compares_with_its_own_segments():
    truth = Skeleton({8: 1, 4: 2}, {"zhang": 40, "lee": 40})
    assert connectivity_curve(truth, np.array([1, 2]), Reading(8)).tolist() == [1, 0.5]
    assert connectivity_curve(truth, np.array([1, 2]), Reading(4)).tolist() == [0.5, 1]


def test_the_area_by_hand():
    assert connectivity(np.ones(256)) == 1
    assert connectivity(np.array([1] * 129 + [0.5] * 127)) == pytest.approx((128 + 0.75 + 0.5 * 126) / 255)
    assert connectivity(np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Reading(levels=11)) == pytest.approx(0.05)


@pytest.mark.parametrize("reading", READINGS)
def test_the_truth_itself_scores_one(reading):
    truth = np.zeros((7, 9), np.uint8)
    truth[[1, 5]] = 1
    truth[1:6, 4] = 1
    found = segments(truth * np.uint16(65535), reading.thetas, reading.neighbours)
    assert connectivity(connectivity_curve(describe_truth(truth), found, reading), reading) == 1


def test_without_vessels_in_truth_there_is_no_score():
    curve = connectivity_curve(describe_truth(np.zeros((4, 4))), np.array([1] + [0] * 255))
    assert np.isnan(curve).all()
    assert curve.size == 256
    assert np.isnan(connectivity(curve))


def test_a_map_of_full_size_takes_a_second_at_most():
    field = smooth_map(2, (584, 565), 2).astype(float) / 65535
    levels = np.rint(65535 / (1 + np.exp(-30 * (field - 0.6)))).astype(np.uint16)  # like a network's output
    start = time.process_time()
    segments(levels)
    assert time.process_time() - start < 2  # half a second where nothing else runs
