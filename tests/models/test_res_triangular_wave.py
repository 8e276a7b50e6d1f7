"""TensorFlow's padding against plain loops, and which positions of the enlarged map the network reads."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from vesselbench.models.build import count_parameters
from vesselbench.models.res_triangular_wave import DoublingConvolution, HalvingConvolution, ResTriangularWave


def convolve_same(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolve (H, W) by 3x3 with stride 2 as TensorFlow does: what it pads, one row and column, is below and right."""
    out = np.zeros((x.shape[0] // 2, x.shape[1] // 2))
    for i, j in np.ndindex(out.shape):
        window = x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        out[i, j] = (window * kernel[: window.shape[0], : window.shape[1]]).sum()
    return out


def run(layer: nn.Module, convolution: nn.Module, kernel: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Run a layer whose convolution has this kernel and no bias."""
    convolution.weight.data[0, 0] = torch.from_numpy(kernel)
    convolution.bias.data.zero_()
    return layer(torch.from_numpy(x).float()[None, None])[0, 0].detach().numpy()


def test_halving_is_as_in_tensorflow_and_doubling_its_transpose():
    generator = np.random.default_rng(0)
    x, small, kernel = (generator.integers(-4, 5, shape) for shape in ((4, 6), (2, 3), (3, 3)))
    halving, doubling = HalvingConvolution(1, 1), DoublingConvolution(1, 1)
    np.testing.assert_array_equal(run(halving, halving[1], kernel, x), convolve_same(x, kernel))
    units = np.eye(24).reshape(24, 4, 6)  # <transpose(small), e> = <small, convolve(e)> for every unit image e
    expected = [(small * convolve_same(unit, kernel)).sum() for unit in units]
    np.testing.assert_array_equal(run(doubling, doubling, kernel, small).flatten(), expected)


@pytest.mark.parametrize("wasted", [True, False])
def test_parameters_and_batch_statistics_are_those_of_the_released_network(wasted):
    network = ResTriangularWave(3, 1, wasted_upsampling=wasted)
    assert count_parameters(network) == 482_051
    assert sum(buffer.numel() for name, buffer in network.named_buffers() if "running" in name) == 2_818


@pytest.mark.parametrize(
    ("wasted", "training", "middle_taps_learn"), [(True, True, True), (True, False, False), (False, False, True)]
)
def test_middle_taps_of_the_first_enlargement_learn_from_batch_statistics_alone(wasted, training, middle_taps_learn):
    torch.manual_seed(0)
    network = ResTriangularWave(3, 1, wasted_upsampling=wasted, final_activation=False).train(training)
    image, truth = torch.rand(2, 3, 16, 16), torch.rand(2, 1, 16, 16).round()
    cross_entropy(network(image)[-1], truth).backward()
    gradient = network.enlarge[0].weight.grad.abs().sum((0, 1))  # (3, 3)
    middle = torch.zeros(3, 3, dtype=torch.bool)
    middle[1] = middle[:, 1] = True
    assert (gradient[~middle] > 0).all()
    assert (gradient[middle] > 0).all() == middle_taps_learn
    assert (gradient[middle] == 0).all() != middle_taps_learn


def test_an_output_sees_about_16_pixels():
    torch.manual_seed(0)
    network = ResTriangularWave(3, 1, final_activation=False).eval()
    image = torch.rand(1, 3, 64, 64, requires_grad=True)
    network(image)[-1][0, 0, 32, 32].backward()
    rows = image.grad.abs().sum((0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == 16


@pytest.mark.parametrize("final_activation", [True, False])
def test_the_released_output_has_a_floor(final_activation):
    torch.manual_seed(0)
    network = ResTriangularWave(3, 1, final_activation=final_activation).eval()
    lowest = network(torch.rand(1, 3, 32, 32))[-1].min()
    assert (lowest >= 0) == final_activation  # zero, as nothing is learned yet
