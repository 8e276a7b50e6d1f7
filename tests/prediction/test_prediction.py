import pytest
import torch
from torch import nn

from vesselbench.config import UserError
from vesselbench.prediction.batch import LARGEST, ON_CPU, find_batch, how_many
from vesselbench.prediction.infer import Prediction, patched, whole
from vesselbench.prediction.tiling import corners, coverage, pad_to_grid


class Blur(nn.Module):
    """A stand-in network whose answer depends on where a patch ends, and that notes its batches."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(3, 1, 5, padding=2)
        self.batches = []

    def forward(self, image):
        self.batches.append(len(image))
        return [torch.full_like(image[:, :1], 9.0), self.convolution(image)]


@pytest.mark.parametrize(("side", "expected"), [(10, 16), (16, 16), (17, 19), (18, 19), (19, 19), (20, 22)])
def test_padding_ends_the_last_patch_at_the_border(side, expected):
    padded = pad_to_grid(torch.ones(1, side, side), patch=16, stride=3)
    assert padded.shape == (1, expected, expected)
    assert padded.sum() == side * side


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (576, 576, 22_801),  # DRIVE, CHASE_DB1 and STARE as the released code resizes them
        (960, 960, 77_841),
        (592, 592, 24_336),
        (584, 565, 22_491),  # DRIVE at its native size
    ],
)
def test_patch_counts_at_stride_3(height, width, expected):
    padded = pad_to_grid(torch.empty(1, height, width, device="meta"), 128, 3)
    assert len(corners(*padded.shape[1:], 128, 3)) == expected


def test_coverage_counts_patches():
    expected = torch.zeros(10, 13)
    for row, column in corners(10, 13, 4, 3):
        expected[row : row + 4, column : column + 4] += 1
    assert torch.equal(coverage(10, 13, 4, 3), expected)
    assert expected.min() == 1


@pytest.mark.parametrize(("batch", "largest"), [(1, 1), (5, 5), (7, 7), (15, 14), (1000, 42)])  # 6 x 7 patches
def test_patched_equals_a_plain_loop(batch, largest):
    network, image = Blur(), torch.rand(3, 21, 26)
    found = patched(network, image, patch=8, stride=3, batch=batch)
    padded = pad_to_grid(image, 8, 3)
    total, count = torch.zeros(2, *padded.shape[1:])
    for row, column in corners(*padded.shape[1:], 8, 3):
        window = padded[None, :, row : row + 8, column : column + 8]
        total[row : row + 8, column : column + 8] += torch.sigmoid(network(window)[-1])[0, 0].detach()
        count[row : row + 8, column : column + 8] += 1
    torch.testing.assert_close(found, (total / count)[:21, :26], atol=1e-6, rtol=0)
    assert max(network.batches) == largest


def test_whole_pads_with_zeros_and_crops():
    network, image = Blur(), torch.rand(3, 21, 26)
    padded = torch.zeros(1, 3, 32, 32)
    padded[0, :, :21, :26] = image
    expected = torch.sigmoid(network(padded)[-1])[0, 0, :21, :26]
    torch.testing.assert_close(whole(network, image, 16), expected.detach())


def test_an_output_is_predicted_where_asked_for():
    network, image = Blur(), torch.rand(3, 21, 26)
    for predict in (lambda *k: patched(network, image, 8, 3, 7, *k), lambda *k: whole(network, image, 16, *k)):
        torch.testing.assert_close(predict(1), torch.full((21, 26), 9.0).sigmoid())
        assert torch.equal(predict(2), predict()), "the second of two is the last"
        with pytest.raises(UserError, match="output is 3, but the network has 2"):
            predict(3)


@pytest.mark.parametrize(("free", "each", "expected"), [(1000, 10, 50), (1e12, 10, LARGEST), (10, 100, 1), (10, 0, 5)])
def test_a_batch_takes_half_of_the_free_memory(free, each, expected):
    assert how_many(free, each) == expected


def test_on_the_cpu_the_batch_is_the_quick_one():
    network = Blur()
    assert find_batch(network, torch.zeros(3, 8, 8)) == ON_CPU
    assert network.batches == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "wholly"}, "mode is 'wholly'; choose one of whole, patched"),
        ({"stride": 200}, "1 <= stride <= patch, or pixels would be left out"),
        ({"batch": -1}, "batch must be at least 0"),
        ({"output": -1}, "output is -1; it must be 0"),
        ({"bits": 12}, "bits is 12; a map has 8 or 16"),
    ],
)
def test_parameters_that_cannot_be(change, message):
    good = {"mode": "patched", "batch": 8, "output": 0, "bits": 8, "hardware": None, "patch": 128, "stride": 3}
    with pytest.raises(ValueError, match=message):
        Prediction(**{**good, **change})
