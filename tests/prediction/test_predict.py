"""Maps of whole images and of patches, of two channels, against plain loops and answers by hand."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from vesselbench.config import UserError, parse
from vesselbench.prediction import predict as predictions
from vesselbench.prediction.predict import Mode, find_batch, pad_to_grid, patched, predict_image, whole, windowed

IMAGE = torch.randint(0, 256, (3, 21, 26), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


class Blur(nn.Module):
    """A stand-in network of two channels whose answer depends on where a patch ends, and that notes its batches."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(3, 2, 5, padding=2)
        self.batches = []

    def forward(self, image):
        self.batches.append(len(image))
        return [torch.full_like(image[:, :2], 9.0), self.convolution(image)]


def corners(height, width, patch, stride):
    return [*product(range(0, height - patch + 1, stride), range(0, width - patch + 1, stride))]


def plain_loop(network, image, patch, stride):
    padded = pad_to_grid(image, patch, stride)
    total, count = torch.zeros(2, *padded.shape[1:]), torch.zeros(padded.shape[1:])
    for row, column in corners(*padded.shape[1:], patch, stride):
        place = (..., slice(row, row + patch), slice(column, column + patch))
        total[place] += torch.sigmoid(network(padded[place][None] / 255)[-1])[0].detach()
        count[place] += 1
    return (total / count)[:, : image.shape[1], : image.shape[2]]


def test_padding_ends_the_last_patch_at_the_border_and_there_are_as_many_as_released():
    for side, expected in {10: 16, 16: 16, 17: 19, 18: 19, 19: 19, 20: 22}.items():
        padded = pad_to_grid(torch.ones(1, side, side), patch=16, stride=3)
        assert padded.shape == (1, expected, expected)
        assert padded.sum() == side * side
    # DRIVE, CHASE_DB1 and STARE as the released code resizes them, and DRIVE at its native size, at stride 3
    for shape, expected in {(576, 576): 22_801, (960, 960): 77_841, (592, 592): 24_336, (584, 565): 22_491}.items():
        padded = pad_to_grid(torch.empty(1, *shape, device="meta"), 128, 3)
        assert len(corners(*padded.shape[1:], 128, 3)) == expected


@pytest.mark.parametrize(("batch", "largest"), [(1, 1), (5, 5), (7, 7), (15, 14), (1000, 42)])  # 6 x 7 patches
def test_patched_equals_a_plain_loop(batch, largest):
    network = Blur()
    found = patched(network, IMAGE, patch=8, stride=3, batch=batch)
    assert max(network.batches) == largest
    assert found.shape == (2, 21, 26)
    torch.testing.assert_close(found, plain_loop(network, IMAGE, 8, 3), atol=1e-6, rtol=0)


def test_whole_pads_with_zeros_and_crops():
    padded = torch.zeros(1, 3, 32, 32)
    padded[0, :, :21, :26] = IMAGE / 255
    expected = torch.sigmoid(Blur()(padded)[-1])[0, :, :21, :26].detach()
    torch.testing.assert_close(whole(Blur(), IMAGE, 16), expected)


def test_windows_agree_with_one_pass_where_the_margin_holds_what_the_network_sees(monkeypatch):
    """The stand-in sees 2 pixels around each; what is kept of a window has 8, which divides neither 21 nor 26."""
    expected = whole(Blur(), IMAGE, 4)
    monkeypatch.setattr(predictions, "CORE", 8)
    for one_pass, coarsest, same, passes in ((21 * 26, 1, True, 1), (545, 1, True, 12), (545, 0, False, 12)):
        for name, value in (("ONE_PASS", one_pass), ("MARGIN", 0), ("COARSEST", coarsest)):
            monkeypatch.setattr(predictions, name, value)
        network = Blur()
        assert torch.allclose(windowed(network, IMAGE, 4), expected, atol=1e-6) == same
        assert len(network.batches) == passes
    network = Blur()
    network.whole_images = True
    assert torch.equal(windowed(network, IMAGE, 4), expected), "one that looks at whole images is never given a part"


def test_an_output_is_predicted_where_asked_for():
    for predict in (lambda *k: patched(Blur(), IMAGE, 8, 3, 7, *k), lambda *k: whole(Blur(), IMAGE, 16, *k)):
        torch.testing.assert_close(predict(1), torch.full((2, 21, 26), 9.0).sigmoid())
        assert torch.equal(predict(2), predict()), "the second of two is the last"
        with pytest.raises(UserError, match="output is 3, but the network has 2"):
            predict(3)


def test_a_photograph_is_predicted_in_its_mode_at_its_subsets_stride_and_brought_back_to_its_size():
    mode = parse(Mode, {"how": "patched", "patch": 8, "stride": 3, "training_stride": 5}, "m")
    for subset, stride in (("test", 3), ("train", 5)):
        found = predict_image(Blur(), IMAGE, mode, 16, subset, ("pad", 21, 26), np.ones((20, 25), bool))
        torch.testing.assert_close(found, plain_loop(Blur(), IMAGE, 8, stride)[:, :20, :25], atol=1e-6, rtol=0)
    mode = parse(Mode, {"how": "whole", "output": 1}, "m")
    found = predict_image(
        Blur(), IMAGE, mode, 16, "test", ["resize", 21, 26], np.ones((40, 50), bool)
    )  # a list, as in model.json
    torch.testing.assert_close(found, torch.full((2, 40, 50), 9.0).sigmoid())
    assert find_batch(None, torch.zeros(3, 8, 8)) == 8, "on a CPU nothing is tried"


def test_flips_are_the_mean_of_a_photograph_and_its_mirror_images():
    for mode in (Mode(how="whole", flips=True), Mode(how="patched", patch=8, stride=3, training_stride=3, flips=True)):
        plain, fov = mode.model_copy(update={"flips": False}), np.ones((21, 26), bool)
        found = predict_image(Blur(), IMAGE, mode, 16, "test", "none", fov)
        each = [IMAGE, IMAGE.flip(1), IMAGE.flip(2), IMAGE.rot90(2, (1, 2))]
        maps = [predict_image(Blur(), image, plain, 16, "test", "none", fov) for image in each]
        expected = (maps[0] + maps[1].flip(1) + maps[2].flip(2) + maps[3].rot90(2, (1, 2))) / 4
        torch.testing.assert_close(found, expected)
        assert not torch.allclose(found, maps[0])


@pytest.mark.parametrize(("change", "message"), [
    ({"how": "wholly"}, "m.how is 'wholly': input should be 'whole' or 'patched'"),
    ({"how": "whole"}, "m: whole has no patch, stride or training_stride: leave them out"),
    ({"stride": 200}, "m: patch 128, stride 200, training_stride 32: patched needs all three, and no stride above"),
    ({"patch": None}, "m: patch None, stride 3, training_stride 32: patched needs all three"),
    ({"output": -1}, "m.output is -1: input should be greater than or equal to 0"),
])  # fmt: skip
def test_modes_that_cannot_be_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        parse(Mode, {"how": "patched", "patch": 128, "stride": 3, "training_stride": 32, **change}, "m")
