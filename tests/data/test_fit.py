"""Photographs brought to one size, and maps back, by hand."""

import numpy as np
import pytest
import torch

from vesselbench.data.fit import fit_image, unfit_maps

IMAGE = np.arange(12, dtype=np.uint8).reshape(2, 3, 2)
LABEL = np.array([[0, 2], [1, 0]], np.uint8)
FOV = np.ones((2, 3), bool)
MAPS = torch.tensor([[[0.0, 1.0]], [[0.5, 0.5]]])  # (2, 1, 2)


def test_none_changes_nothing_and_padding_appends_zeros_that_maps_lose_again():
    assert fit_image("none", IMAGE, FOV) is IMAGE
    assert torch.equal(unfit_maps("none", MAPS, FOV[:1, :2]), MAPS)
    fitted = fit_image(("pad", 4, 5), IMAGE, FOV)
    assert fitted.shape == (4, 5, 2)
    assert np.array_equal(fitted[:2, :3], IMAGE)
    assert fitted.sum() == IMAGE.sum()
    assert fit_image(("pad", 3, 2), LABEL, FOV, is_label=True).tolist() == [[0, 2], [1, 0], [0, 0]]
    back = unfit_maps(("pad", 4, 5), torch.from_numpy(fitted).permute(2, 0, 1), FOV)
    assert np.array_equal(back.permute(1, 2, 0).numpy(), IMAGE)
    with pytest.raises(ValueError, match="2 x 3 pixels cannot be padded to 4 x 2"):
        fit_image(("pad", 4, 2), IMAGE, FOV)


def test_a_smaller_image_is_a_mean_classes_do_not_blend_and_maps_are_interpolated_channel_by_channel():
    for channels in (1, 3):
        image = np.repeat(np.array([[[0], [100]], [[200], [100]]], np.uint8), channels, axis=2)
        assert fit_image(("resize", 1, 1), image, FOV).tolist() == [[[100] * channels]]
    assert fit_image(("resize", 4, 4), LABEL, FOV, is_label=True).tolist() == [[0, 0, 2, 2]] * 2 + [[1, 1, 0, 0]] * 2
    # pixel centres of four columns lie at -1/4, 1/4, 3/4, 5/4 of two; beyond the outer ones nothing changes
    back = unfit_maps(("resize", 1, 2), MAPS, np.ones((2, 4), bool))
    assert back.tolist() == [[[0, 0.25, 0.75, 1]] * 2, [[0.5] * 4] * 2]


def test_a_box_is_what_holds_the_field_of_view_and_maps_are_zero_around_it():
    fov = np.zeros((4, 5), bool)
    fov[1:3, 2] = fov[2, 2:4] = True  # rows 1 and 2, columns 2 and 3
    image = np.arange(20, dtype=np.uint8).reshape(4, 5)
    assert fit_image(("box", 2, 2), image[..., None], fov)[..., 0].tolist() == [[7, 8], [12, 13]]
    assert fit_image(("box", 4, 2), image, fov, is_label=True).tolist() == [[7, 8], [7, 8], [12, 13], [12, 13]]
    back = unfit_maps(["box", 1, 2], MAPS, fov)  # a list, as in model.json
    assert back[0].tolist() == [[0] * 5, [0, 0, 0, 1, 0], [0, 0, 0, 1, 0], [0] * 5]
    assert back[1, 1:3, 2:4].tolist() == [[0.5] * 2] * 2


def test_a_label_stays_in_place_of_its_photograph():
    photograph = np.zeros((41, 60), np.uint8)
    photograph[10:31, 20:40] = 200
    places = []
    for is_label in (False, True):
        fitted = fit_image(("resize", 33, 29), photograph, photograph > 0, is_label) / 200
        places.append([np.average(axis, weights=fitted) for axis in np.indices(fitted.shape)])
    assert np.allclose(*places, atol=0.1), "OpenCV's plain nearest pixel is half a pixel off"
