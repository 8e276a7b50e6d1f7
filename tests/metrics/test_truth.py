"""The released code's way of a truth through a square and back."""

import numpy as np
import pytest

from vesselbench.metrics import truth as module
from vesselbench.metrics.truth import resize_round_trip


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


def test_a_truth_that_is_such_a_square_stays_as_it_is():
    truth = np.random.default_rng(0).random((48, 48)) < 0.3
    np.testing.assert_array_equal(resize_round_trip(truth), truth)


def test_four_pixels_by_hand():
    truth = np.array([[1, 1], [0, 0]])  # grown to 16 x 16 and back nothing is lost
    assert resize_round_trip(truth).tolist() == [[True, True], [False, False]]


def test_a_line_of_one_pixel_breaks_where_the_square_has_no_room_for_it():
    truth = np.zeros((47, 47), np.uint8)
    truth[:, 20] = 1
    truth[30:36, 30:36] = 1
    back = resize_round_trip(truth)
    assert back[:, 20].sum() < 47
    assert back[31:35, 31:35].all()


@pytest.mark.parametrize("value", [0, 1, 255])
def test_what_is_all_of_one_kind_stays_so(value):
    back = resize_round_trip(np.full((50, 37), value, np.uint8))
    assert back.dtype == bool
    assert back.shape == (50, 37)
    assert (back == bool(value)).all()
