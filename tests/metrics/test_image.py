"""One look at one image: what is kept of it, and the released code's way of a truth through a square and back."""

import numpy as np
import pytest
from random_maps import ALL, LEVELS, QUAD, random_map

from vesselbench.config import UserError
from vesselbench.metrics import image as module
from vesselbench.metrics.connectivity import OURS, READINGS, connectivity_curve, describe_truth, segments_by_reading
from vesselbench.metrics.histograms import histogram
from vesselbench.metrics.image import resize_round_trip, score_image
from vesselbench.metrics.topology import describe, topology_scores

THRESHOLDS = {"fixed": 32768, "training": 20000}


@pytest.mark.parametrize("shape", [(90, 80), (20, 20), (3, 4), (2, 2), (1, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_the_native_truth_has_the_truth_s_pixels_and_the_frame_is_fov_and_outside(seed, shape):
    truth, levels, fov = random_map(seed, 65536, shape)
    record = score_image("01", truth, levels, fov, THRESHOLDS)
    truths = {"native": truth, "resized": resize_round_trip(truth)}
    for (mask, name), pixels in record.histograms.items():
        inside = fov if mask == "fov" else np.ones(shape, bool)
        vessel = np.count_nonzero(truths[name][inside])
        assert pixels.sizes == (vessel, np.count_nonzero(inside) - vessel)
    for name, own in truths.items():
        outside, inside, frame = histogram(own, levels, ~fov), *(record.histograms[m, name] for m in ("fov", "frame"))
        np.testing.assert_array_equal(frame.positives, inside.positives + outside.positives)
        np.testing.assert_array_equal(frame.negatives, inside.negatives + outside.negatives)


def test_curves_and_topology_are_those_of_each_truth():
    truth, levels, fov = random_map(0, 65536, (40, 50))
    record = score_image("01", truth, levels, fov, THRESHOLDS)
    truths = {"native": truth, "resized": resize_round_trip(truth)}
    found = segments_by_reading(levels)
    assert set(record.curves) == {*(("native", reading) for reading in READINGS), ("resized", OURS)}
    for (name, reading), curve in record.curves.items():
        expected = connectivity_curve(found[reading], *describe_truth(truths[name], reading))
        np.testing.assert_array_equal(curve, expected)
    assert describe_truth(truths["native"]) != describe_truth(truths["resized"])
    for (name, threshold), scores in record.topology.items():
        assert scores == topology_scores(describe(truths[name]), describe(levels >= THRESHOLDS[threshold]))
    assert len(record.topology) == 4


def test_pixels_that_do_not_count_are_in_neither_mask_but_in_connectivity():
    (truth, levels, fov), counts = random_map(1, 65536, (30, 40)), random_map(2, 65536, (30, 40))[2]
    whole, part = (score_image("01", truth, levels, fov, THRESHOLDS, which) for which in (None, counts))
    for mask, which in (("fov", fov & counts), ("frame", counts)):
        expected = histogram(truth, levels, which).positives
        np.testing.assert_array_equal(part.histograms[mask, "native"].positives, expected)
        assert sum(part.histograms[mask, "resized"].sizes) == np.count_nonzero(which)
    np.testing.assert_equal((part.curves, part.topology), (whole.curves, whole.topology))


def test_binary_maps_are_told_and_a_lost_pixel_is_refused(monkeypatch):
    maps = QUAD * np.uint16(65535), np.zeros((2, 2), np.uint16), LEVELS
    assert [score_image("01", QUAD, levels, ALL, {}).binary for levels in maps] == [True, True, False]
    monkeypatch.setattr(module, "histogram", lambda truth, levels, fov: histogram(truth, levels, fov & (levels > 0)))
    with pytest.raises(UserError, match=r"im7: 3 pixels counted, but 4 read \(mask fov, truth native\); report this"):
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
