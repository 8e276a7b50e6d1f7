"""One look at one image: what is kept of it, and the released code's way of a truth through a square and back."""

import numpy as np
import pytest
from random_maps import ALL, LEVELS, QUAD, random_map

from vesselbench.config import UserError
from vesselbench.metrics import image as module
from vesselbench.metrics.connectivity import AT_SIZE, connectivity_curve, describe_truth, segments_by_reading
from vesselbench.metrics.histograms import histogram
from vesselbench.metrics.image import at_sizes, score_image
from vesselbench.metrics.topology import describe, topology_scores

THRESHOLDS = {"fixed": 32768, "training": 20000}


def resize_round_trip(truth):
    return at_sizes((truth != 0).astype(float))["round_trip"] > 0.5


@pytest.mark.parametrize("shape", [(90, 80), (20, 20), (3, 4), (2, 2), (1, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_pixels_are_those_of_truth_map_and_masks_at_each_size(seed, shape):
    truth, levels, fov = random_map(seed, 65536, shape)
    record = score_image("01", truth, levels, fov, THRESHOLDS)
    truths, maps = at_sizes(truth.astype(float)), at_sizes(levels / 65535)
    square = at_sizes(fov.astype(float))["square"] > 0.5
    for (mask, size), pixels in record.histograms.items():
        own = np.rint(65535 * maps[size].clip(0, 1)).astype(np.uint16)
        where = np.ones_like(own) > 0 if mask == "frame" else square if size == "square" else fov
        expected = histogram(truths[size] > 0.5, own, where)
        np.testing.assert_array_equal((pixels.positives, pixels.negatives), (expected.positives, expected.negatives))
    assert len(record.histograms) == 6


def test_curves_and_topology_are_those_of_each_size():
    truth, levels, fov = random_map(0, 65536, (40, 50))
    record = score_image("01", truth, levels, fov, THRESHOLDS)
    maps = {size: np.rint(65535 * own).astype(np.uint16) for size, own in at_sizes(levels / 65535).items()}
    shapes = {size: describe(own > 0.5) for size, own in at_sizes(truth.astype(float)).items()}
    assert set(record.curves) == {(size, reading) for size, own in AT_SIZE.items() for reading in own}
    for (size, reading), curve in record.curves.items():
        found = segments_by_reading(maps[size], [reading])[reading]
        np.testing.assert_array_equal(curve, connectivity_curve(found, *describe_truth(shapes[size], reading)))
    assert len({shape.segments for shape in shapes.values()}) == 3
    for (size, threshold), scores in record.topology.items():
        assert scores == topology_scores(shapes[size], describe(maps[size] >= THRESHOLDS[threshold]))
    assert len(record.topology) == 6


def test_pixels_that_do_not_count_are_in_neither_mask_but_in_connectivity():
    (truth, levels, fov), counts = random_map(1, 65536, (30, 40)), random_map(2, 65536, (30, 40))[2]
    whole, part = (score_image("01", truth, levels, fov, THRESHOLDS, which) for which in (None, counts))
    for mask, which in (("fov", fov & counts), ("frame", counts)):
        expected = histogram(truth, levels, which).positives
        np.testing.assert_array_equal(part.histograms[mask, "native"].positives, expected)
        assert sum(part.histograms[mask, "round_trip"].sizes) == np.count_nonzero(which)
        square = at_sizes(which.astype(float))["square"] > 0.5
        assert sum(part.histograms[mask, "square"].sizes) == np.count_nonzero(square)
    np.testing.assert_equal((part.curves, part.topology), (whole.curves, whole.topology))


def test_binary_maps_are_told_and_a_lost_pixel_is_refused(monkeypatch):
    maps = QUAD * np.uint16(65535), np.zeros((2, 2), np.uint16), LEVELS
    assert [score_image("01", QUAD, levels, ALL, {}).binary for levels in maps] == [True, True, False]
    monkeypatch.setattr(module, "histogram", lambda truth, levels, fov: histogram(truth, levels, fov & (levels > 0)))
    with pytest.raises(UserError, match=r"im7: 3 pixels counted, but 4 read \(mask fov, native\); report this"):
        score_image("im7", QUAD, LEVELS, ALL, THRESHOLDS)


@pytest.mark.parametrize(
    ("shape", "side"),
    [((584, 565), 576), ((960, 999), 960), ((605, 700), 592), ((16, 9), 16), ((15, 40), 16), ((47, 30), 32)],
)
def test_the_square_is_as_high_as_the_image_to_a_multiple_of_16(shape, side, monkeypatch):
    sizes = []

    def resized(image, size):
        sizes.append(size)
        return np.zeros(size)

    monkeypatch.setattr(module, "resize", resized)
    resize_round_trip(np.zeros(shape, np.uint8))
    assert sizes == [(side, side), shape]


def test_nothing_is_lost_where_the_square_is_no_smaller_and_else_a_line_of_one_pixel_breaks():
    truth = np.random.default_rng(0).random((48, 48)) < 0.3
    np.testing.assert_array_equal(resize_round_trip(truth), truth)
    assert resize_round_trip(QUAD).tolist() == [[True, True], [False, False]]  # grown to 16 x 16 and back
    truth = np.zeros((47, 47), np.uint8)
    truth[:, 20] = 1
    truth[30:36, 30:36] = 1
    back = resize_round_trip(truth)
    assert back[:, 20].sum() < 47
    assert back[31:35, 31:35].all()


@pytest.mark.parametrize("value", [0, 1, 255])
def test_what_is_all_of_one_kind_stays_so(value):
    back = resize_round_trip(np.full((50, 37), value, np.uint8))
    assert (back.dtype, back.shape) == (bool, (50, 37))
    assert (back == bool(value)).all()
