"""TensorFlow's padding against plain loops, and which positions of the enlarged map the network reads."""

import numpy as np
import pytest
import torch

from vesselbench.models.res_triangular_wave import DoublingConvolution, HalvingConvolution, ResTriangularWave
from vesselbench.training.loss import output_losses


def convolve_same(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolve (H, W) by 3x3 with stride 2 as TensorFlow does: what it pads, one row and column, is below and right."""
    out = np.zeros((x.shape[0] // 2, x.shape[1] // 2))
    for i, j in np.ndindex(out.shape):
        window = x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        out[i, j] = (window * kernel[: window.shape[0], : window.shape[1]]).sum()
    return out


def test_halving_matches_a_loop():
    generator = np.random.default_rng(0)
    x, kernel = generator.integers(-4, 5, (4, 6)), generator.integers(-4, 5, (3, 3))
    layer = HalvingConvolution(1, 1)
    layer[1].weight.data[0, 0] = torch.from_numpy(kernel)
    layer[1].bias.data.zero_()
    found = layer(torch.from_numpy(x).float()[None, None])[0, 0].detach().numpy()
    np.testing.assert_array_equal(found, convolve_same(x, kernel))


def test_doubling_is_the_transpose_of_the_halving_loop():
    generator = np.random.default_rng(0)
    small, kernel = generator.integers(-4, 5, (2, 3)), generator.integers(-4, 5, (3, 3))
    layer = DoublingConvolution(1, 1)
    layer.weight.data[0, 0] = torch.from_numpy(kernel)
    layer.bias.data.zero_()
    found = layer(torch.from_numpy(small).float()[None, None])[0, 0].detach().numpy()
    expected = np.zeros((4, 6))
    for position in np.ndindex(4, 6):  # <transpose(small), e> = <small, convolve(e)> for every unit image e
        unit = np.zeros((4, 6))
        unit[position] = 1
        expected[position] = (small * convolve_same(unit, kernel)).sum()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("wasted", [True, False])
def test_parameters_and_batch_statistics_are_those_of_the_released_network(wasted):
    network = ResTriangularWave(3, 1, wasted_upsampling=wasted)
    assert sum(parameter.numel() for parameter in network.parameters()) == 482_051
    statistics = [b for name, b in network.named_buffers() if name.endswith(("running_mean", "running_var"))]
    assert sum(statistic.numel() for statistic in statistics) == 2_818


@pytest.mark.parametrize(
    ("wasted", "training", "middle_taps_learn"), [(True, True, True), (True, False, False), (False, False, True)]
)
def test_middle_taps_of_the_first_enlargement_learn_from_batch_statistics_alone(wasted, training, middle_taps_learn):
    torch.manual_seed(0)
    network = ResTriangularWave(3, 1, wasted_upsampling=wasted, final_activation=False).train(training)
    image, truth = torch.rand(2, 3, 16, 16), torch.rand(2, 1, 16, 16).round()
    output_losses(network(image), truth).sum().backward()
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
