"""Deformable sampling against torchvision and by hand. What every network must do is in test_networks.py."""

import pytest
import torch
from torch import nn
from torchvision.ops import deform_conv2d

from vesselbench.models.build import count_parameters
from vesselbench.models.deform_unet import DeformableConvolution, DeformUNet, double_convolution

IMAGE = torch.tensor([[1.0, 2, 4], [8, 16, 32], [64, 128, 256]])


def with_offset(layer: DeformableConvolution, y: float, x: float) -> DeformableConvolution:
    """Give all nine points the same offset, in pixels."""
    layer.offset.bias.data = torch.tensor([y, x] * 9)
    return layer


def reads_only(padding: int, row: int, column: int) -> DeformableConvolution:
    """Make a convolution that returns the value at one of its nine points, none of which is moved."""
    layer = with_offset(DeformableConvolution(1, 1, padding), 0.0, 0.0)
    layer.weight.data.zero_()[0, 0, row, column] = 1
    return layer


@pytest.mark.parametrize(
    ("channels", "width", "count"),
    [(1, 16, 883_442), (3, 16, 883_442 + 2 * 9 * 16 + 2), (1, 32, 3_439_442), (1, 64, 13_569_554)],
)
def test_first_and_last_convolution_see_the_image(channels, width, count):
    assert count_parameters(DeformUNet(channels, 1, width)) == count


def test_offsets_start_small_and_equal_at_all_pixels():
    layers = [module for module in DeformUNet(1, 1).modules() if isinstance(module, DeformableConvolution)]
    assert sum(count_parameters(layer.offset) for layer in layers) == 44_208
    assert not any(layer.offset.weight.any() for layer in layers)
    assert 0 < max(layer.offset.bias.abs().max().item() for layer in layers) <= (9 * 16) ** -0.5


def test_moved_points_are_those_of_torchvision():
    torch.manual_seed(0)
    layer = DeformableConvolution(4, 5, padding=1)
    nn.init.normal_(layer.offset.weight, std=1)  # many of the points lie outside
    x = torch.rand(2, 4, 12, 20)
    expected = deform_conv2d(x, layer.offset(x), layer.weight, padding=1)
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("y", "x", "expected"),
    [
        (0.0, 0.0, IMAGE.tolist()),
        (1.0, 0.0, [[8, 16, 32], [64, 128, 256], [0, 0, 0]]),  # zero outside
        (0.0, -1.0, [[0, 1, 2], [0, 8, 16], [0, 64, 128]]),
        (-0.5, 0.0, [[0.5, 1, 2], [4.5, 9, 18], [36, 72, 144]]),
        (0.5, 0.5, [[6.75, 13.5, 9], [54, 108, 72], [48, 96, 64]]),
    ],
)
def test_offsets_move_down_and_right(y, x, expected):
    layer = with_offset(reads_only(1, 1, 1), y, x)
    torch.testing.assert_close(layer(IMAGE[None, None])[0, 0], torch.tensor(expected, dtype=torch.float32))


def test_each_point_has_its_own_offset():
    layer = reads_only(1, 0, 1)  # above the centre
    layer.offset.bias.data[2:4] = torch.tensor([1.0, -1.0])  # and so the left neighbour
    expected = torch.tensor([[0.0, 1, 2], [0, 8, 16], [0, 64, 128]])
    torch.testing.assert_close(layer(IMAGE[None, None])[0, 0], expected)


@pytest.mark.parametrize(("padding", "first", "last"), [(1, 10, 14), (0, 8, 12)])
def test_a_released_block_moves_its_maps_by_two_pixels(padding, first, last):
    block = double_convolution(1, 1, lambda a, b: with_offset(DeformableConvolution(a, b, padding), 0.0, 0.0)).eval()
    nn.init.ones_(block[0].weight), nn.init.ones_(block[3].weight)
    impulse = torch.zeros(1, 1, 24, 24)
    impulse[..., 12, 12] = 1
    expected = torch.zeros(24, 24, dtype=torch.bool)
    expected[first : last + 1, first : last + 1] = True
    assert torch.equal(block(impulse)[0, 0] > 0.01, expected)


def test_released_points_on_or_beyond_the_border_count_twice():
    layer = with_offset(DeformableConvolution(1, 1, padding=0), 0.0, 0.0)
    nn.init.constant_(layer.weight, 1 / 9)
    gain = torch.tensor([1, 1, 4 / 3, 5 / 3, 2])
    torch.testing.assert_close(layer(torch.ones(1, 1, 5, 5))[0, 0], torch.outer(gain, gain))
    layer = with_offset(reads_only(0, 1, 1), -1.5, -1.0)  # half a pixel above, in the same column
    expected = torch.tensor([[2, 4, 16], [4.5, 9, 36], [36, 72, 288]])
    torch.testing.assert_close(layer(IMAGE[None, None])[0, 0], expected)


@pytest.mark.parametrize("padding", [0, 1])
def test_bf16_moves_maps_as_float32_does(padding):
    torch.manual_seed(0)
    layer = DeformableConvolution(16, 8, padding)
    x = torch.rand(2, 16, 12, 20).bfloat16().contiguous(memory_format=torch.channels_last).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        result = layer(x)
    torch.testing.assert_close(result.float(), layer(x.float()), rtol=0, atol=0.01)
    result.square().sum().backward()
    for gradient in (x.grad, *(parameter.grad for parameter in layer.parameters())):
        assert gradient.isfinite().all()
        assert gradient.any()
