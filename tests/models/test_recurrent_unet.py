"""The recurrent convolution and its block, computed by hand."""

import pytest
import torch

from vesselbench.models.recurrent_unet import Block, RecurrentConvolution, RecurrentUNet


def doubling(layer: RecurrentConvolution) -> RecurrentConvolution:
    """Make its convolution multiply by two, its batch normalisation (in evaluation mode) do nothing."""
    torch.nn.init.dirac_(layer.convolve.weight)
    layer.convolve.weight.data *= 2
    for normalise in layer.normalise:
        normalise.running_var.fill_(1 - normalise.eps)
    return layer


@pytest.mark.parametrize(("recurrences", "expected"), [(0, [2, 0]), (1, [6, 0]), (2, [14, 0])])
def test_each_recurrence_convolves_the_input_plus_the_last_answer(recurrences, expected):
    layer = doubling(RecurrentConvolution(1, recurrences)).eval()
    # 2 * 1 = 2, then 2 * (1 + 2) = 6, then 2 * (1 + 6) = 14; at -1 the ReLU gives 0 and 2 * (-1 + 0) stays below it.
    found = layer(torch.tensor([[[[1.0, -1.0]]]])).flatten()
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize(("residual", "expected"), [(False, 4 * 3.0), (True, 5 * 3.0)])
def test_the_shortcut_leads_past_both_convolutions(residual, expected):
    block = Block(2, 1, recurrences=0, residual=residual).eval()
    block.enter.weight.data.fill_(1)
    block.enter.bias.data.zero_()
    for layer in block.convolve:
        doubling(layer)
    # 1 + 2 = 3 enters, 2 * 2 * 3 leaves the convolutions.
    assert block(torch.tensor([1.0, 2.0]).reshape(1, 2, 1, 1)).item() == pytest.approx(expected)


@pytest.mark.parametrize(("width", "count"), [(9, 709_282), (10, 874_971), (16, 2_234_001)])
def test_parameters_are_those_that_the_docstring_counts(width, count):
    assert sum(parameter.numel() for parameter in RecurrentUNet(3, 1, width=width).parameters()) == count


def test_each_time_has_batch_statistics_of_its_own():
    torch.manual_seed(0)
    layer = RecurrentConvolution(2, recurrences=2)
    layer(torch.rand(2, 2, 8, 8))
    means = torch.stack([normalise.running_mean for normalise in layer.normalise])  # (times, channels)
    assert [int(normalise.num_batches_tracked) for normalise in layer.normalise] == [1, 1, 1]
    assert (means.diff(dim=0) != 0).all()
