"""BF-Net's sizes as the released code has them, and its parts by hand."""

import pytest
import torch
from torch import nn

from vesselbench.models.bfnet import BFNet, TwoPathUp, convolve
from vesselbench.models.build import count_parameters

CLASSES = {"sigmoid": 2, "softmax": 4}
PAIRS = [2_951_680, 738_560, 184_960, 46_400]  # parameters of the steps up, with two paths and without
PLAIN = [2_951_424, 738_432, 184_896, 46_368]


def small(variant: str = "sigmoid", **arguments: str) -> BFNet:
    torch.manual_seed(0)
    return BFNet(3, CLASSES[variant], 2, variant, **arguments)


@pytest.mark.parametrize(("width", "variant", "classes", "branch", "main", "adversary"), [
    (32, "sigmoid", 3, 8_637_891, 9_136_926, 8_638_275),
    (32, "softmax", 4, 8_637_924, 9_137_040, 8_638_596),
    (16, "sigmoid", 3, 2_162_403, 2_287_518, 2_162_595),
    (8, "sigmoid", 3, 542_067, 573_534, 542_163),
    (32, "sigmoid", 2, 8_637_858, 9_136_784, 8_637_954),  # this one is ours
])  # fmt: skip
def test_parameters_are_those_of_the_released_networks(width, variant, classes, branch, main, adversary):
    network = BFNet(3, classes, width, variant)
    parts = [*network.branches, network.main, network.critic()]
    assert [count_parameters(part) for part in parts] == [branch, branch, main, adversary]
    assert count_parameters(network) == 2 * branch + main
    if width == 32:
        assert [sum(buffer.numel() for buffer in part.buffers()) for part in parts] == [7_354, 7_354, 8_064, 6_870]


@pytest.mark.parametrize(("variant", "classes", "total", "sides", "judge_encodes"), [
    ("sigmoid", 3, 26_412_708, [387_843, 92_547, 18_627], 4_717_056),
    ("softmax", 4, 26_412_888, [387_876, 92_580, 18_660], 4_717_344),
])  # fmt: skip
def test_parameters_of_the_parts(variant, classes, total, sides, judge_encodes):
    network = BFNet(3, classes, variant=variant)
    assert count_parameters(network) == total
    assert [count_parameters(side) for side in network.main.sides] == sides
    parts = [(part, 4_716_192, PAIRS) for part in (*network.branches, network.main)]
    for part, encoder, up in (*parts, (network.critic(), judge_encodes, PLAIN)):
        assert count_parameters(part.trunk.first) + count_parameters(part.trunk.down) == encoder
        assert [count_parameters(step) for step in part.trunk.up] == up
    # The head of main, P: 3 + 32 + 3 channels to 3; S: 32 to 4, as the other heads.
    assert [count_parameters(part.output) for part, *_ in parts] == ([99, 99, 117] if classes == 3 else [132] * 3)


@pytest.mark.parametrize("variant", CLASSES)
def test_the_critic_judges_each_pixel_of_the_maps(variant):
    network, maps = small(variant), torch.rand(2, CLASSES[variant], 48, 80)
    with torch.autocast("cpu", torch.bfloat16):
        judged = network.critic()(torch.rand(2, 3, 48, 80), maps)
    assert judged.shape == maps.shape
    assert judged.isfinite().all()


@pytest.mark.parametrize("variant", CLASSES)
@pytest.mark.parametrize(("output", "learning"), [(0, "main"), (3, "branches.0"), (4, "branches.1"), (5, "main")])
def test_a_loss_reaches_its_own_network_alone(variant, output, learning):
    network = small(variant)
    network(torch.rand(2, 3, 32, 32))[output].square().mean().backward()
    reached = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert {".".join(name.split(".")[: learning.count(".") + 1]) for name in reached} == {learning}


@pytest.mark.parametrize("variant", CLASSES)
def test_the_main_network_sees_the_maps_or_the_mean_of_the_features(variant):
    network, classes = small(variant).eval(), CLASSES[variant]
    image = network.normalised(torch.rand(1, 3, 32, 32))
    (artery, f), (vein, h) = (branch(image) for branch in network.branches)
    own = network.main.trunk(image)[-1]
    seen = (f + own + h) / 3 if variant == "softmax" else torch.cat([artery.sigmoid(), own, vein.sigmoid()], dim=1)
    network.main.output.weight.data.copy_(torch.arange(classes * seen.shape[1]).reshape_as(network.main.output.weight))
    network.normalise = "none"
    torch.testing.assert_close(network(image)[5], network.main.output(seen))


def test_a_step_up_by_hand():
    up = TwoPathUp(8).eval()  # 8 channels to 4, which are 2 pairs
    x, skip = torch.rand(1, 8, 1, 1), torch.tensor([1.0, 2, -5, 3]).reshape(1, 4, 1, 1).expand(1, 4, 2, 2)
    up.enlarge = nn.Sequential(nn.Conv2d(8, 4, 1), nn.Upsample(scale_factor=2))
    up.enlarge[0].weight.data.zero_()
    up.enlarge[0].bias.data.copy_(torch.tensor([10.0, 20, 30, 40]))
    up.join = nn.Conv2d(8, 4, 1, bias=False)
    up.join.weight.data.zero_()
    for channel, source in enumerate((0, 3, 4, 7)):  # 10, 40 of y, then 1, 3 of the skip
        up.join.weight.data[channel, source] = 1
    up.normalise.running_var.fill_(1 - up.normalise.eps)
    # In pairs 10 + 20, 30 + 40; 1 + 2, -5 + 3, where the ReLU gives 0.
    expected = torch.tensor([30.0 + 10, 70 + 40, 3 + 1, 0 + 3]).reshape(1, 4, 1, 1).expand(1, 4, 2, 2)
    torch.testing.assert_close(up(x, skip), expected)
    up.train()(x, skip)
    assert up.normalise.num_batches_tracked == 2, "one normalisation, of both maps"


def test_one_pass_moves_the_statistics_as_the_two_released_ones():
    x, ours, released = torch.rand(2, 1, 8, 8), convolve(1, 3), nn.BatchNorm2d(3, momentum=0.1)
    for _ in range(2):
        released(ours[0](x))
    ours(x)
    torch.testing.assert_close(ours[1].running_mean, released.running_mean)
    torch.testing.assert_close(ours[1].running_var, released.running_var)


# Six pixels on the scale 0..255. Red is above 0 in the last three: m 20, s^2 = (100 + 0 + 100) / 3; green there: m 42,
# s^2 = (4 + 4 + 16) / 3 = 8; blue is 7. The brightest is above 30 in the four pixels of green 70 to 46.
PIXELS = torch.tensor([[0.0, 0, 0, 10, 20, 30], [30, 0, 70, 40, 40, 46], [7, 7, 7, 7, 7, 7]])
RED = [(20, (200 / 3) ** 0.5), (42, 8**0.5), (7, 0)]
EYE = [(15, 125**0.5), (49, 153**0.5), (7, 0)]  # (225 + 25 + 25 + 225) / 4; (441 + 81 + 81 + 9) / 4


@pytest.mark.parametrize(("over", "statistics"), [("red", RED), ("eye", EYE)])
@pytest.mark.parametrize("how", ["multiply", "divide"])
def test_each_photograph_is_normalised_by_its_own_lit_pixels(over, statistics, how):
    network = small(normalise=how, statistics_over=over)
    image = PIXELS[:, None] / 255
    found = network.normalised(torch.stack([torch.rand(3, 1, 6), image]))[1]
    for x, (m, s), channel in zip(PIXELS, statistics, found[:, 0], strict=True):
        expected = (x - m) * s if how == "multiply" else (x - m) / (s or 1)  # blue is 7 everywhere: zeros
        torch.testing.assert_close(channel, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("how", ["multiply", "divide", "none"])
@pytest.mark.parametrize("over", ["red", "eye"])
@pytest.mark.parametrize("value", [0.0, 0.4])
def test_an_image_without_contrast_gives_finite_maps(how, over, value):
    network, image = small(normalise=how, statistics_over=over).eval(), torch.full((1, 3, 16, 16), value)
    assert torch.stack(network(image)).isfinite().all()
    assert network.whole_images == (how != "none")
    assert torch.equal(network.normalised(image), image) == (how == "none" or value == 0)


@pytest.mark.parametrize(("variant", "classes", "of", "artery", "vein"), [
    ("sigmoid", 2, "own", [10, 10], [20, 20]),
    ("sigmoid", 3, "all", [10, 10, 10], [30, 30, 30]),
    ("softmax", 4, "own", [10 + 30, 20, 0, 40], [10 + 20, 0, 30, 40]),  # truth: background, artery, vein, crossing
    ("softmax", 4, "all", [10, 20, 30, 40], [10, 20, 30, 40]),
])  # fmt: skip
def test_what_each_output_learns(variant, classes, of, artery, vein):
    network, truth = BFNet(3, classes, 2, variant, branch_targets=of), 10.0 * torch.arange(1, classes + 1)
    whole = truth.tolist()
    assert (network.targets @ truth).tolist() == [whole, whole, whole, artery, vein, whole]
    assert "targets" not in network.state_dict()


@pytest.mark.parametrize(("classes", "variant"), [(1, "sigmoid"), (3, "softmax")])
def test_a_variant_refuses_other_classes(classes, variant):
    with pytest.raises(ValueError, match=f"variant {variant} has {classes} classes; softmax must have 4, sigmoid 2"):
        BFNet(3, classes, 2, variant)
