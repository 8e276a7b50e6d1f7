"""One contract for every network of params.yaml, whatever it is."""

from pathlib import Path

import pytest
import torch

from vesselbench.config import UserError, read_params
from vesselbench.data.preprocess import channels_of
from vesselbench.models.build import NetworkEntry, build_network, load_network, save_network
from vesselbench.models.iternet import Dropout
from vesselbench.prediction.infer import whole
from vesselbench.training.loss import output_losses

ROOT = Path(__file__).parents[2]
(MODELS,) = read_params("models", path=ROOT / "params.yaml")
ENTRIES = {name: NetworkEntry.from_params(mapping, name) for name, mapping in MODELS.items()}
# Trainable parameters, as sources count them: theirs of Deform-UNet and its rival UNet take one channel.
PARAMETERS = {
    "iternet": 8_244_356,
    "denseblock_unet": 13_607_633,
    "unet_own": 3_351_681,
    "deform_unet_own": 883_442,
    "wnet": 68_482,
    "res_triangular_wave": 482_051,
    "iter_seg": 0,
    "iternet_n1": 7_760_097,
    "iternet_n2": 8_237_058,
    "iternet_n3": 8_240_195,
    "iternet_n5": 8_249_541,
    "iternet_unshared": 9_194_052,
    "iternet_no_skip": 8_238_212,
    "iternet_unet_refinery": 15_537_924,
}
LEARNING = [name for name, entry in ENTRIES.items() if entry.network != "iter_seg"]


@pytest.fixture(params=ENTRIES)
def entry(request):
    torch.manual_seed(0)
    return ENTRIES[request.param]


@pytest.fixture(params=LEARNING)
def learning(request):
    torch.manual_seed(0)
    return ENTRIES[request.param]


def pictures(entry, *shape):
    return torch.rand(shape[0], channels_of(entry.preprocess), *shape[1:])


def test_outputs_are_logit_maps_of_the_images_size(entry):
    network = build_network(entry)
    outputs = network(pictures(entry, 2, 32, 64))  # as in training: batch normalisation centres what it is given
    assert [tuple(output.shape) for output in outputs] == [(2, 1, 32, 64)] * len(outputs)
    assert min(output.min() for output in outputs) < 0, "logits, not probabilities"


def test_odd_sizes_are_padded_and_cropped(entry):
    network = build_network(entry).eval()
    probability = whole(network, pictures(entry, 1, 45, 61)[0], network.multiple)
    assert probability.shape == (45, 61)
    assert 0 <= probability.min() <= probability.max() <= 1


def test_gradient_reaches_every_parameter(learning):
    network = build_network(learning)
    output_losses(network(pictures(learning, 2, 32, 64)), torch.rand(2, 1, 32, 64).round()).sum().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    # A bias before batch normalisation is subtracted again: its gradient is rounding, exactly zero or not.
    assert [name for name in without if not name.endswith("bias")] == []


def test_saved_and_loaded_it_predicts_the_same(entry, tmp_path):
    network = build_network(entry).eval()
    save_network(tmp_path, network, entry, seed=3)
    loaded, loaded_entry = load_network(tmp_path)
    image = pictures(entry, 1, 32, 64)
    assert loaded_entry == entry
    torch.testing.assert_close(loaded(image)[-1], network(image)[-1], rtol=0, atol=0)


def test_one_step_lowers_the_loss_in_bf16(learning):
    network = build_network(learning).eval()  # evaluation mode: without dropout the two losses can be compared
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-2)
    truth = torch.zeros(2, 1, 64, 64)
    truth[..., :8] = 1
    image = pictures(learning, 2, 64, 64) + truth  # something to learn
    losses = []
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(image)
        losses.append(output_losses(logits, truth).sum())
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[1] < losses[0] - 0.001


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_parameter_counts(name, count):
    network = build_network(ENTRIES[name])
    assert sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad) == count


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


@pytest.mark.parametrize("iterations", [1, 2, 4])
def test_iternet_has_an_output_for_each_module(iterations):
    network = build_network(NetworkEntry("iternet", "rgb", {"width": 4, "iterations": iterations}))
    assert len(network(torch.rand(1, 3, 32, 32))) == iterations


@pytest.mark.parametrize(("shared", "joined"), [(True, True), (False, True), (True, False)])
def test_a_call_of_the_mini_unet_sees_the_maps_before_it_where_joined(shared, joined):
    entry = NetworkEntry("iternet", "rgb", {"width": 4, "shared_weights": shared, "cross_skips": joined})
    network = build_network(entry)
    assert len({id(refinery) for refinery in network.refineries}) == (1 if shared else 3)
    assert [reduction.in_channels // 4 for reduction in network.reductions] == ([2, 3, 4] if joined else [1, 1, 1])


def test_iternet_shares_the_mini_unet_and_starts_as_keras_does():
    three, four = (
        sum(p.numel() for p in build_network(NetworkEntry("iternet", "rgb", {"iterations": n})).parameters())
        for n in (3, 4)
    )
    assert four - three == (128 * 32 + 32) + (32 + 1), "a further call adds its reduction and its output, nothing else"
    weight = build_network(ENTRIES["iternet"]).first[0].weight
    bound = (6 / (3 * 9 + 32 * 9)) ** 0.5
    assert 0.95 * bound < weight.abs().max() <= bound, "Glorot-uniform"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (NetworkEntry("iternett", "rgb"), "network 'iternett' is unknown; choose one of deform_unet,"),
        (
            NetworkEntry("iternet", "rgb", {"widht": 8}),
            "'widht' is unknown; it takes width, iterations, dropout, shared_weights,",
        ),
        (NetworkEntry("iternet", "rgb", {"iterations": 0}), "iterations 0"),
        (NetworkEntry("iternet", "grey"), "preprocess .grey. is unknown; choose one of rgb, flat, dark"),
        (NetworkEntry("smp", "rgb", {"architecture": "Unett", "encoder_name": "vgg13_bn"}), "choose one of DPT"),
        (
            NetworkEntry("smp", "rgb", {"architecture": "Unet", "encoder_name": "vgg99"}),
            "encoder_name 'vgg99' is unknown",
        ),
    ],
)
def test_unknown_names_are_answered_with_the_known_ones(entry, message):
    with pytest.raises(UserError, match=message):
        build_network(entry)
