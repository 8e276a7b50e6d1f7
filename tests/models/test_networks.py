"""One contract for every entry of ``models`` in params.yaml, and what is IterNet's alone."""

from pathlib import Path

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from vesselbench.config import read_params
from vesselbench.models.build import build_network, count_parameters, split_entry
from vesselbench.models.iternet import Dropout

(MODELS,) = read_params("models", path=Path(__file__).parents[2] / "params.yaml")
ENTRIES = {name: split_entry(entry, f"models.{name}") for name, entry in MODELS.items()}
LEARNING = [name for name, (kind, _) in ENTRIES.items() if kind != "iter_seg"]
OUTPUTS = {name: {"wnet": 2, "bfnet": 6}.get(kind, how.get("iterations", 1)) for name, (kind, how) in ENTRIES.items()}
FEWEST = {  # classes
    name: 1 if kind != "bfnet" else 4 if how.get("variant") == "softmax" else 2 for name, (kind, how) in ENTRIES.items()
}
# Trainable parameters with so many channels in, as the papers and the released code count them.
PARAMETERS = {
    "iternet": (3, 8_244_356),
    "denseblock_unet": (3, 13_607_633),
    "deform_unet": (1, 883_442),
    "residual_unet": (3, 871_291),
    "recurrent_unet": (3, 874_971),
    "r2unet": (3, 874_971),
    "wnet": (3, 68_482),
    "res_triangular_wave": (3, 482_051),
    "iter_seg": (3, 0),
    "iternet_n1": (3, 7_760_097),
    "iternet_n2": (3, 8_237_058),
    "iternet_n3": (3, 8_240_195),
    "iternet_n5": (3, 8_249_541),
    "iternet_unshared": (3, 9_194_052),
    "iternet_no_skip": (3, 8_238_212),
    "iternet_unet_refinery": (3, 15_537_924),
}


def build(name, in_channels=3, classes=1):
    """Build an entry of params.yaml, with more classes if it needs them; the seed is the same each time."""
    torch.manual_seed(0)
    return build_network(*ENTRIES[name], in_channels, max(classes, FEWEST[name]))


def loss(outputs, truth):
    return sum(cross_entropy(output.float(), truth) for output in outputs)


@pytest.mark.parametrize("name", ENTRIES)
def test_outputs_are_logit_maps_of_the_images_size(name):
    network = build(name)
    side = network.multiple * max(1, 8 // network.multiple)
    for height, width in ((2 * side, 3 * side), (5 * side, 2 * side)):
        outputs = network(torch.rand(2, 3, height, width))
        assert [tuple(output.shape) for output in outputs] == [(2, FEWEST[name], height, width)] * OUTPUTS[name]
        assert min(output.min() for output in outputs) < 0, "logits, not probabilities"


@pytest.mark.parametrize("name", ENTRIES)
def test_the_same_seed_gives_the_same_network_and_the_same_outputs(name):
    first, second, image = build(name), build(name), torch.rand(1, 3, 64, 64)
    states = first.state_dict(), second.state_dict()
    assert [*states[0]] == [*states[1]]
    assert all(torch.equal(tensor, states[1][key]) for key, tensor in states[0].items())
    for evaluating in (False, True):
        first.train(not evaluating), second.train(not evaluating)
        maps = []
        for network in (first, second):
            torch.manual_seed(1)  # of dropout
            maps.append(torch.stack(network(image)))
        assert torch.equal(*maps)


@pytest.mark.parametrize("name", LEARNING)
@pytest.mark.parametrize(("channels", "classes"), [(3, 1), (1, 2)])
def test_gradient_reaches_every_parameter(name, channels, classes):
    network, classes = build(name, channels, classes), max(classes, FEWEST[name])
    loss(network(torch.rand(2, channels, 32, 64)), torch.rand(2, classes, 32, 64).round()).backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    # A bias before batch normalisation is subtracted again: its gradient is rounding, exactly zero or not.
    assert [name for name in without if not name.endswith("bias")] == []


@pytest.mark.parametrize("name", LEARNING)
def test_a_step_lowers_the_loss_in_bf16(name):
    network = build(name).eval()  # evaluation mode: without dropout the two losses can be compared
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-2)
    truth = torch.zeros(2, FEWEST[name], 64, 64)
    truth[..., :8] = 1
    image = torch.rand(2, 3, 64, 64) + truth[:, :1]  # something to learn
    losses = []
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16):
            outputs = network(image)
        losses.append(loss(outputs, truth))
        optimizer.zero_grad()
        losses[-1].backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1)  # BF-Net's released images are of the order of 1000
        optimizer.step()
    assert losses[1] < losses[0] - 0.001


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_counts(name):
    channels, count = PARAMETERS[name]
    assert count_parameters(build(name, channels)) == count


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(share, layout):
    torch.manual_seed(0)
    x = torch.ones(2, 5, 101, 99).contiguous(memory_format=layout).requires_grad_()  # no multiple of four
    dropped = Dropout(share)(x)
    assert dropped.stride() == x.stride()
    kept = dropped != 0
    assert kept.float().mean().item() == pytest.approx(1 - share, abs=0.01)
    torch.testing.assert_close(dropped[kept], torch.full((int(kept.sum()),), 1 / (1 - share)), rtol=1e-4, atol=0)
    dropped.sum().backward()
    torch.testing.assert_close(x.grad, dropped.detach())
    assert not torch.equal(Dropout(share)(x) != 0, kept), "each call draws anew"
    assert torch.equal(Dropout(share).eval()(x), x)


def test_iternet_starts_as_keras_does():
    weight = build("iternet").first[0].weight
    bound = (6 / (3 * 9 + 32 * 9)) ** 0.5
    assert 0.95 * bound < weight.abs().max() <= bound, "Glorot-uniform"
