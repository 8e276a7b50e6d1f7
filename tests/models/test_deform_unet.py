"""Both DUNets: deform_unet and deform_unet_keras. What every network must do is in test_networks.py."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import deform_conv2d

from vesselbench.models.deform_unet import DeformableConvolution, DeformUNet, double_convolution
from vesselbench.models.deform_unet_keras import KerasDeformUNet, Resample

IMAGE = torch.tensor([[1.0, 2, 4], [8, 16, 32], [64, 128, 256]])


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def with_offset(layer: DeformableConvolution, y: float, x: float) -> DeformableConvolution:
    """Give all nine points the same offset, in pixels."""
    layer.offset.bias.data = torch.tensor([y, x] * 9)
    return layer


def reads_only(padding: int, row: int, column: int) -> DeformableConvolution:
    """Return the value at one of the nine points, which by default is where it is in a plain convolution."""
    layer = with_offset(DeformableConvolution(1, 1, padding), 0.0, 0.0)
    layer.weight.data.zero_()[0, 0, row, column] = 1
    return layer


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        ({}, 883_442),
        ({"deform_padding": 0}, 883_442),
        ({"width": 32}, 3_439_442),
        ({"width": 64}, 13_569_554),
        ({"width": 32, "deformable": False}, 3_351_681),
    ],
)
def test_parameter_counts(arguments, parameters):
    assert count(DeformUNet(1, 1, **arguments)) == parameters


def test_dunets_last_convolution_sees_the_image():
    assert count(DeformUNet(3, 1)) - count(DeformUNet(1, 1)) == 2 * 9 * 16 + 2
    assert count(DeformUNet(3, 1, deformable=False)) - count(DeformUNet(1, 1, deformable=False)) == 2 * 9 * 16


def test_offsets_start_small_and_equal_at_all_pixels():
    layers = [module for module in DeformUNet(1, 1).modules() if isinstance(module, DeformableConvolution)]
    assert sum(count(layer.offset) for layer in layers) == 44_208
    assert not any(layer.offset.weight.any() for layer in layers)
    assert 0 < max(layer.offset.bias.abs().max().item() for layer in layers) <= (9 * 16) ** -0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"width": 0}, "width 0"), ({"deform_padding": 2}, r"deform_padding 2: .*1 \(centred\) or 0 \(as released\)")],
)
def test_bad_values_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        DeformUNet(1, 1, **arguments)


def test_without_offsets_it_is_a_convolution():
    torch.manual_seed(0)
    layer = with_offset(DeformableConvolution(4, 5, padding=1), 0.0, 0.0)
    x = torch.rand(2, 4, 7, 9)
    torch.testing.assert_close(layer(x), F.conv2d(x, layer.weight, padding=1), rtol=0, atol=1e-5)


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
    for layer in block:
        if isinstance(layer, DeformableConvolution):
            nn.init.ones_(layer.weight)
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
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_bf16_moves_maps_as_float32_does(padding, layout):
    torch.manual_seed(0)
    layer = DeformableConvolution(16, 8, padding).to(memory_format=layout)
    x = torch.rand(2, 16, 12, 20).bfloat16().contiguous(memory_format=layout).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        result = layer(x)
    torch.testing.assert_close(result.float(), layer(x.float()), rtol=0, atol=0.01)
    result.square().sum().backward()
    for gradient in (x.grad, *(parameter.grad for parameter in layer.parameters())):
        assert gradient.isfinite().all()
        assert gradient.any()


def test_keras_counts_the_statistics_too():
    network = KerasDeformUNet(1, 1)
    statistics = sum(buffer.numel() for name, buffer in network.named_buffers() if "running" in name)
    assert (count(network), count(network) + statistics) == (26_728_449, 26_735_425)
    with pytest.raises(ValueError, match="width 0: it must be at least 1"):
        KerasDeformUNet(1, 1, width=0)


def test_keras_moves_each_channel_by_its_own_offset():
    layer = Resample(3)
    with torch.no_grad():  # from the first channel, which is 1 everywhere: y and x of the first channel, the second ...
        layer.offset.weight.zero_()[:, 0, 1, 1] = torch.tensor([0, 0, 1, -1, 0, 0.5])
    moved = layer(torch.stack([torch.ones(3, 3), IMAGE, IMAGE])[None])[0]
    expected = [
        [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
        [[8, 8, 16], [64, 64, 128], [64, 64, 128]],
        [[1.5, 3, 4], [12, 24, 32], [96, 192, 256]],
    ]
    torch.testing.assert_close(moved, torch.tensor(expected))
