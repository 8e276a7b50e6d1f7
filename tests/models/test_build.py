"""Networks by name, and what is kept of them on the disk."""

import json

import pytest
import torch

from vesselbench.config import UserError
from vesselbench.models.build import build_network, load_network, save_network, split_entry

VGG = {"architecture": "Unet", "encoder_name": "vgg13_bn"}


def test_saved_and_loaded_it_predicts_the_same_but_for_half_precision(tmp_path):
    torch.manual_seed(0)
    arguments = {"width": 4, "iterations": 2}
    network, image = build_network("iternet", arguments).eval(), torch.rand(1, 3, 32, 32)
    about = {"network": "iternet", "arguments": arguments, "task": "vessel", "recipe": {"input": "flat"}, "seed": 3}
    save_network(tmp_path, network, about)
    loaded, read = load_network(tmp_path)
    assert read == json.loads((tmp_path / "model.json").read_text()) == about
    assert not loaded.training
    for (name, saved), found in zip(network.named_parameters(), loaded.parameters(), strict=True):
        assert found.dtype == torch.float32
        assert torch.equal(found, saved.half().float() if saved.dim() > 1 else saved), name
    torch.testing.assert_close(loaded(image)[-1], network(image)[-1], rtol=0, atol=1e-3)


@pytest.mark.parametrize(("network", "seen", "channels"), [("deform_unet", "clahe", 1), ("iter_seg", "rgb", 3)])
def test_input_channels_are_those_of_the_recipe(tmp_path, network, seen, channels):
    about = {"network": network, "arguments": {}, "task": "vessel", "recipe": {"input": seen}}
    save_network(tmp_path, build_network(network, {}, channels), about)
    assert load_network(tmp_path)[0](torch.rand(1, channels, 16, 16))[-1].shape == (1, 1, 16, 16)


def test_a_shrunk_network_sees_means_of_squares_and_its_logits_come_back_bilinearly(tmp_path):
    torch.manual_seed(0)
    about = {"network": "wnet", "arguments": {}, "task": "vessel", "recipe": {"input": "rgb", "scale": 2}}
    plain, shrunk = build_network("wnet", {}), build_network("wnet", {}, scale=2)
    shrunk.network.load_state_dict(plain.state_dict())
    save_network(tmp_path, shrunk, about)
    shrunk, image = load_network(tmp_path)[0], torch.rand(1, 3, 16, 24)
    for name, parameter in plain.named_parameters():
        parameter.data = shrunk.network.get_parameter(name).data
    small = image.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).mean((3, 5))
    for found, logits in zip(shrunk(image), plain.eval()(small), strict=True):
        assert found.shape == (1, 1, 16, 24)
        middle = logits[..., :-1] * 0.75 + logits[..., 1:] * 0.25  # a quarter of a pixel right of each but the last
        rows = middle[:, :, :-1] * 0.25 + middle[:, :, 1:] * 0.75  # and three quarters below
        torch.testing.assert_close(found[..., 2:-1:2, 1:-1:2], rows, rtol=0, atol=1e-4)
    assert shrunk.multiple == 2 * plain.multiple
    assert build_network("iter_seg", {}, scale=2).whole_images, "what a network says of itself is passed on"


def test_an_entry_is_a_network_and_its_arguments_and_a_folder_without_one_is_refused(tmp_path):
    with pytest.raises(UserError, match="model.json: no such file; train the network first"):
        load_network(tmp_path)
    assert split_entry({"network": "iternet", "width": 8}, "models.x") == ("iternet", {"width": 8})
    with pytest.raises(UserError, match="models.x.network is missing"):
        split_entry({"width": 8}, "models.x")


@pytest.mark.parametrize(("network", "arguments", "message"), [
    ("iternett", {}, "network 'iternett' is unknown; choose one of bfnet, deform_unet,"),
    ("iternet", {"widht": 8}, "'widht' is unknown; it takes width, iterations, dropout, shared_weights,"),
    ("iternet", {"iterations": 0}, "iterations 0 must be 1 or more"),
    ("iternet", {"dropout": 1}, r"dropout 1 in \[0, 1\)"),
    ("iternet", {"refinery": "maxi"}, "refinery is 'maxi'; choose one of mini, unet"),
    ("smp", VGG | {"architecture": "Unett"}, "choose one of DPT"),
    ("smp", VGG | {"encoder_name": "vgg99"}, "encoder_name 'vgg99' is unknown; choose one of"),
    ("smp", VGG | {"depth": 3}, "depth is no parameter of Unet, which"),
    ("deform_unet", {"width": 0}, "width 0 must be 1 or more"),
    ("deform_unet", {"deform_padding": 2}, r"deform_padding 2 must be 1 \(centred\) or 0 \(as released\)"),
    ("recurrent_unet", {"width": 0}, "width 0 must be 1 or more"),
    ("recurrent_unet", {"recurrences": -1}, "recurrences -1 0 or more"),
    ("wnet", {"widths": []}, "widths is .*at least one level"),
    ("bfnet", {"width": 3}, "width 3 must be even and 2 or more: channels are summed in pairs"),
    ("bfnet", {"width": 0}, "width 0 must be even and 2 or more"),
    ("bfnet", {"variant": "tanh"}, "variant is 'tanh'; choose one of sigmoid, softmax"),
    ("bfnet", {"normalise": "add"}, "normalise is 'add'; choose one of multiply, divide, none"),
    ("bfnet", {"statistics_over": "blue"}, "statistics_over is 'blue'; choose one of red, eye"),
    ("bfnet", {"branch_targets": "other"}, "branch_targets is 'other'; choose one of own, all"),
    ("iter_seg", {"rounds": 8}, "'rounds' is unknown; it takes none"),
])  # fmt: skip
def test_a_mistake_is_answered_with_what_is_allowed(network, arguments, message):
    with pytest.raises(UserError, match=message):
        build_network(network, arguments)


@pytest.mark.parametrize(("channels", "classes"), [(1, 1), (3, 2)])
def test_iter_seg_takes_colour_images_and_gives_one_class(channels, classes):
    with pytest.raises(UserError, match=f"{channels} channels, {classes} classes"):
        build_network("iter_seg", {}, channels, classes)
