"""Connectivity: the sweep against labelling at every level, the score against Eq. 3 by hand."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.measure import label

from vesselbench.metrics.connectivity import (
    OURS,
    READINGS,
    Reading,
    connectivity,
    connectivity_curve,
    describe_truth,
    segments,
    segments_by_reading,
)
from vesselbench.metrics.topology import describe

THETAS = np.unique(np.concatenate([reading.thetas for reading in READINGS]))
SIZES = (10, 1, 2, 40)
LEE = Reading(skeleton="lee")


def labelled(probability, thetas, neighbours, sizes):
    """Segments at every threshold, one labelling each; the whole frame is one of any size."""
    found = []
    for theta in thetas:
        pieces = label(probability >= theta, connectivity=neighbours // 4)
        large = np.bincount(pieces.ravel())[1:, None] >= sizes
        found.append(np.maximum(large.sum(axis=0), pieces.all()))
    return np.transpose(found).tolist()


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
    "as large as a photograph": smooth_map(2, (584, 565), 1),
}


@pytest.mark.parametrize("neighbours", [8, 4])
@pytest.mark.parametrize("name", MAPS)
def test_the_sweep_equals_labelling_at_every_threshold(name, neighbours):
    expected = labelled(MAPS[name] / 65535, THETAS, neighbours, SIZES)
    assert segments(MAPS[name], THETAS, neighbours, SIZES).tolist() == expected


def test_the_readings_are_ours_and_one_change_each():
    assert READINGS[0] == OURS == Reading(8, 256, "zhang", 1)
    changes = [
        {name: value for name, value in vars(reading).items() if value != vars(OURS)[name]} for reading in READINGS
    ]
    assert changes == [{}, {"neighbours": 4}, {"levels": 51}, {"skeleton": "lee"}, {"smallest": 10}, {"smallest": 40}]
    assert OURS.thetas[[0, 51, 255]].tolist() == [0, 0.2, 1]
    assert Reading(levels=51).thetas.tolist() == [k / 50 for k in range(51)]


def test_four_pixels_by_hand():
    levels = np.array([[65535, 10000], [20000, 65535]], np.uint16)
    thetas = np.array([0, 0.1, 0.2, 0.5, 1])
    assert segments(levels, thetas, 8).tolist() == [[1, 1, 1, 1, 1]]
    assert segments(levels, thetas, 4, (1, 2)).tolist() == [[1, 1, 1, 2, 2], [1, 1, 1, 0, 0]]
    assert segments(np.zeros((2, 2), np.uint16), thetas).tolist() == [[1, 0, 0, 0, 0]]


def test_the_counts_of_a_reading_are_its_own_whatever_is_counted_beside_it():
    levels = smooth_map(3, (60, 50), 3)
    levels.setflags(write=False)
    found = segments_by_reading(levels)
    assert list(found) == list(READINGS)
    for reading, counts in found.items():
        assert segments_by_reading(levels, [reading])[reading].tolist() == counts.tolist()
        expected = labelled(levels / 65535, reading.thetas, reading.neighbours, (reading.smallest,))
        assert [counts.tolist()] == expected


def test_a_truth_by_hand():
    bar = np.zeros((5, 9), np.uint8)
    bar[2] = 255  # one pixel wide: its own skeleton
    assert describe_truth(describe(bar)) == describe_truth(describe(bar), LEE) == (1, 9)
    assert [describe_truth(describe(np.eye(2)), Reading(neighbours))[0] for neighbours in (8, 4)] == [1, 2]
    assert [describe_truth(describe(np.zeros((2, 2))), reading) for reading in READINGS] == [(0, 0)] * 6


def test_the_curve_and_its_area_by_hand():
    found = np.array([1, 1, 2, 3, 4, 0])
    assert connectivity_curve(found, 1, 40).tolist() == [1, 1, 0.5, 0, 0, 0.5]  # S_max = .05 x 40 = 2
    assert connectivity_curve(found, 2, 80).tolist() == [0.75, 0.75, 1, 0.75, 0.5, 0.5]
    assert connectivity_curve(found, 1, 20).tolist() == [1, 1, 0, 0, 0, 0]
    assert np.isnan(connectivity_curve(found, 0, 0)).tolist() == [True] * 6  # no vessel, no score
    assert connectivity(np.ones(256)) == 1
    assert np.isnan(connectivity(np.full(256, np.nan)))
    assert connectivity(np.array([1] * 129 + [0.5] * 127)) == pytest.approx((128 + 0.75 + 0.5 * 126) / 255)
    assert connectivity(np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])) == pytest.approx(0.05)


def test_the_truth_itself_scores_one():
    truth = np.zeros((7, 25), np.uint8)
    truth[[1, 5]] = 1
    truth[1:6, 4] = 1
    for reading, found in segments_by_reading(truth * np.uint16(65535)).items():
        assert connectivity(connectivity_curve(found, *describe_truth(describe(truth), reading))) == 1, reading
