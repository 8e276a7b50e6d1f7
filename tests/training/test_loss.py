"""Losses and weighted F1 by hand: sigmoids and softmax, their squares, targets of branches, and unknown pixels."""

import math

import pytest
import torch

from vesselbench.data.task import find_task
from vesselbench.training.loss import make_targets, output_losses, weighted_f1
from vesselbench.training.recipe import Loss

LOSS = Loss(cross_entropy=2, squared=0.5)
LOG3 = math.log(3)


def row(*pixels):
    """Make a map (1, K, 1, pixels) of the values of each pixel's channels."""
    return torch.tensor(pixels, dtype=torch.float32).T[None, :, None]


def test_sigmoids_cost_cross_entropy_and_square_where_the_kind_is_known():
    logits, target = row((0, LOG3), (9, 9)), row((1, 0), (0, 0))  # of the first pixel 1/2 and 3/4
    expected = 2 * (math.log(2) + math.log(4)) / 2 + 0.5 * (1 / 4 + 9 / 16) / 2
    found = output_losses([logits, 0 * logits], target, known=row((1,), (0,)), factors=LOSS)
    assert found.tolist() == pytest.approx([expected, 2 * math.log(2) + 0.5 / 4])
    half = output_losses([logits], row((1, 0), (1, 1)), known=row((1,), (0.5,)))
    assert half.item() == pytest.approx((3 * math.log(2) + 0.5 * 2 * math.log1p(math.exp(-9))) / 3, rel=1e-5)
    assert output_losses([logits], target, known=row((0,), (0,))).item() == 0


def test_a_softmax_costs_one_cross_entropy_a_pixel():
    logits, target = row((0, LOG3), (LOG3, 0)), row((0, 1), (0.5, 0.5))  # 1/4, 3/4 and 3/4, 1/4
    first, second = math.log(4 / 3), (math.log(4 / 3) + math.log(4)) / 2
    expected = 2 * (first + second) / 2 + 0.5 * (1 / 16 + 1 / 16) / 2
    assert output_losses([logits], target, factors=LOSS, exclusive=True).item() == pytest.approx(expected)
    found = output_losses([logits], target, row((1,), (0,)), LOSS, exclusive=True)
    assert found.item() == pytest.approx(2 * first + 0.5 / 16)


def test_each_output_learns_its_matrix_of_the_truth_and_channels_that_exclude_each_other_have_the_sum_one():
    label = row((0.5, 0, 1, 0.25), (1, 0.5, 0, 0))  # artery, vein, crossing and where it is unknown, without background
    label = torch.cat([torch.full((1, 1, 1, 2), 9.0), label], dim=1)  # what the first channel is does not matter
    artery = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]])  # a vein is background to it
    matrices = torch.stack([torch.eye(4), artery])
    targets, known = make_targets(label, find_task("artery_vein_softmax"), matrices)
    first, second = (0, 1 / 3, 0, 2 / 3), (0, 2 / 3, 1 / 3, 0)
    torch.testing.assert_close(targets, torch.stack([row(first, second), row(first, (1 / 3, 2 / 3, 0, 0))]))
    assert torch.equal(known, row((0.75,), (1,)))
    outside, known = make_targets(torch.zeros(1, 4, 1, 1), find_task("artery_vein_softmax_released"), None)
    assert (outside.flatten().tolist(), known) == ([1, 0, 0, 0], None)


@pytest.mark.parametrize(
    ("task", "found", "true"),  # artery, nothing, vein, vein, artery, nothing; artery, artery, vein, crossing, nothing
    [
        ("artery_vein", "10 00 01 01 10 00", "10 10 01 11 00 00"),
        ("artery_vein_released", "100 000 001 001 100 000", "100 100 001 010 000 000"),
        ("artery_vein_softmax", "0100 1000 0010 0010 0100 1000", "0100 0100 0010 0001 1000 1000"),
    ],
)
def test_f1_is_weighted_by_the_true_pixels_of_artery_vein_and_crossing(task, found, true):
    found, true = (row(*([int(bit) for bit in pixel] for pixel in maps.split())) for maps in (found, true))
    logits, task = 2 * found - 1, find_task(task)
    assert weighted_f1(logits, true, None, task).tolist() == pytest.approx([(2 * 1 / 2 + 1 * 2 / 3 + 1 * 0) / 4])
    known = row((1,), (1,), (1,), (0,), (1,), (1,))  # without the crossing
    assert weighted_f1(logits, true, known, task).tolist() == pytest.approx([(2 * 1 / 2 + 1 * 1) / 3])
    nothing = row(*[[1] + [0] * (len(task.channels) - 1)] * 6) if task.exclusive else 0 * true
    assert weighted_f1(logits, nothing, None, task).tolist() == [0]
