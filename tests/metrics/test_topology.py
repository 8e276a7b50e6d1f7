"""clDice and the errors of the Betti numbers, by hand."""

import math

import numpy as np
import pytest
from random_maps import QUAD

from vesselbench.metrics.topology import cldice, describe, topology_scores

RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
EMPTY = np.zeros((2, 2))


@pytest.mark.parametrize(("prediction", "expected"), [
    ([[1, 1], [0, 0]], 1),
    ([[1, 0], [0, 0]], 2 / 3),  # all of the predicted skeleton is right, half of the true one found
    ([[1, 0], [1, 0]], 1 / 2),
    ([[0, 0], [1, 1]], 0),
])  # fmt: skip
def test_cldice_of_four_pixels_by_hand(prediction, expected):
    assert cldice(describe(QUAD), describe(np.array(prediction))) == pytest.approx(expected, abs=1e-12)


def test_cldice_asks_where_the_skeleton_lies_not_how_wide_the_vessel_is_and_weighs_both_sides():
    thin, wide = np.zeros((2, 5, 12))
    thin[2] = wide[1:4] = 1
    # F1 is 0.5; one pixel at the end of the skeleton leaves the line
    assert cldice(describe(thin), describe(wide)) > 0.95
    assert cldice(describe(wide), describe(thin)) == cldice(describe(thin), describe(wide))
    truth, prediction = np.zeros((1, 8)), np.zeros((1, 8))
    truth[0, :4] = 1
    prediction[0, 3:] = 1  # 1 of its 5 pixels lies in truth, 1 of the truth's 4 is found
    assert cldice(describe(truth), describe(prediction)) == pytest.approx(2 * (1 / 5) * (1 / 4) / (1 / 5 + 1 / 4))


@pytest.mark.parametrize(("truth", "prediction"), [(EMPTY, QUAD), (QUAD, EMPTY), (EMPTY, EMPTY)])
def test_cldice_without_a_skeleton_is_undefined(truth, prediction):
    assert math.isnan(cldice(describe(truth), describe(prediction)))


@pytest.mark.parametrize(("binary", "segments", "holes"), [
    (EMPTY, 0, 0),
    (np.ones((2, 2)), 1, 0),
    (np.eye(2), 1, 0),  # neighbours across a corner are one piece
    ([[1, 0, 1]], 2, 0),
    (RING, 1, 1),
    ([[0, 1, 0], [1, 0, 1], [0, 1, 0]], 1, 1),  # background does not leak through corners
    ([[1, 1, 1], [1, 0, 1], [1, 0, 1]], 1, 0),  # open at the border
    (np.hstack([RING, np.zeros((3, 1)), RING]), 2, 2),
    (np.hstack([RING, RING[:, 1:]]) * 255, 1, 2),
])  # fmt: skip
def test_segments_and_holes_by_hand(binary, segments, holes):
    shape = describe(np.array(binary))
    assert (shape.segments, shape.holes) == (segments, holes)


@pytest.mark.parametrize(("truth", "prediction", "betti_0", "betti_1"), [
    ([[1, 0, 1]] * 3, RING, 1, 1),
    (RING, [[1, 0, 1]] * 3, 1, 1),
    (RING, RING, 0, 0),
    ([[1, 0, 1]] * 3, np.zeros((3, 3)), 2, 0),
    (RING, np.zeros((3, 3)), 1, 1),
    (EMPTY, EMPTY, 0, 0),
    (QUAD, np.eye(2), 0, 0),
    (QUAD, EMPTY, 1, 0),  # two by two pixels hold no hole
])  # fmt: skip
def test_betti_errors_by_hand(truth, prediction, betti_0, betti_1):
    truth, prediction = describe(np.array(truth)), describe(np.array(prediction))
    scores = topology_scores(truth, prediction)
    expected = {"cldice": cldice(truth, prediction), "betti_0": betti_0, "betti_1": betti_1}
    assert scores == pytest.approx(expected, nan_ok=True)
