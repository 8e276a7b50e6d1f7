"""Stacks of photographs and labels, and augmented patches of them, by hand and against every window of the image."""

import numpy as np
import pytest
import torch
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.sample import Sample
from vesselbench.data.task import Task
from vesselbench.training.patches import (
    GREY,
    PatchSampler,
    _recolour,
    draw_geometry,
    draw_values,
    grid_patches,
    stack_samples,
)
from vesselbench.training.recipe import Augmentation

NOTHING = dict.fromkeys(("brightness", "contrast", "saturation", "rotation", "shear", "shift", "zoom"), (0.5, 0.0))
MOVED = {"rotation": (180, 1.0), "shear": (5, 1.0), "shift": (0.1, 1.0), "zoom": (0.2, 1.0)}
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(256, (2, 3, 20, 24), generator=GENERATOR, dtype=torch.uint8)
LABELS = torch.randint(2, (2, 2, 20, 24), generator=GENERATOR, dtype=torch.uint8)


def draw(batch, crops, patch, images=IMAGES, truth=LABELS, **changes):
    augmentation = Augmentation(**{**NOTHING, "flip_probability": 0.0, "labels": "soft", **changes})
    return PatchSampler(images, truth, augmentation).draw(batch, crops, patch, torch.Generator().manual_seed(1))


def test_photographs_and_labels_are_stacked_fitted_with_a_truth_a_channel(tmp_path):
    samples = [Sample(name, name, "", *[tmp_path / f"{name}.png"] * 2) for name in "ab"]  # its own label
    for sample, height in zip(samples, (2, 3), strict=True):
        Image.fromarray(255 * np.tri(height, 3, dtype=np.uint8)).save(sample.image)
    task = Task("truth", ("background", "vessel"), {"vessel": (1,), "rest": (0,)}, unknown=(1,))
    masks = [np.ones((height, 3), bool) for height in (2, 3)]
    images, labels = stack_samples(samples, masks, task, "rgb", ("pad", 3, 4))
    vessel = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=torch.uint8)
    assert torch.equal(images[0], 255 * vessel.expand(3, 3, 4))
    assert torch.equal(labels[0], torch.stack([vessel, 1 - vessel, vessel])), "what was added is background"
    with pytest.raises(UserError, match=r"b.png: 3 x 3 pixels, but .*a.png has 2 x 3; training images must be of one"):
        stack_samples(samples, masks, task, "rgb", "none")
    with pytest.raises(UserError, match=r"b.png: 3 x 3 pixels cannot be padded to 2 x 4; enlarge fit of the recipe"):
        stack_samples(samples, masks, task, "rgb", ("pad", 2, 4))


def test_without_augmentation_patches_are_cut_out_unchanged_and_both_flips_are_half_a_turn():
    image, label, chosen = draw(6, 3, (8, 12))
    assert (image.shape, label.shape, chosen.shape) == ((6, 3, 8, 12), (6, 2, 8, 12), (2,))
    for place in range(6):
        source = torch.cat([IMAGES[chosen[place // 3]] / 255, LABELS[chosen[place // 3]]])
        windows = source.unfold(1, 8, 1).unfold(2, 12, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
        assert (windows - torch.cat([image[place], label[place]])).abs().amax((1, 2, 3)).min() < 1e-4
    image, label, chosen = draw(1, 1, 20, IMAGES[..., :20], LABELS[..., :20], flip_probability=1.0)
    torch.testing.assert_close(image, IMAGES[chosen, :, :, :20].flip(2, 3) / 255, atol=1e-4, rtol=0)
    torch.testing.assert_close(label, LABELS[chosen, :, :, :20].flip(2, 3).float(), atol=1e-4, rtol=0)
    image, label, chosen = draw(2, 1, (20, 24), flip_probability=1.0, flips="horizontal", labels="half")
    torch.testing.assert_close(image, IMAGES[chosen].flip(3) / 255, atol=1e-4, rtol=0)
    assert torch.equal(label, LABELS[chosen].flip(3).float())


def test_rotations_by_steps_are_multiples_of_them_all_as_often_with_zeros_outside():
    image, label, chosen = draw(80, 1, (20, 24), rotation=(180.0, 1.0), rotation_step=90, outside="zero", labels="half")
    sources, found = torch.cat([IMAGES / 255, LABELS], dim=1)[chosen], torch.cat([image, label], dim=1)
    middle, own = sources[..., 2:22], found[..., 2:22]  # squares
    turned = [(middle.rot90(k, (2, 3)) - own).abs().amax((1, 2, 3)) < 1e-4 for k in range(4)]
    counts = torch.stack(turned).sum(1)
    assert (counts.sum(), counts.min() > 10) == (80, True)
    assert found[turned[1] | turned[3]][..., [0, 1, 22, 23]].max() < 1e-4


def test_image_and_every_channel_of_the_label_move_together_and_stay_apart():
    shown = torch.cat([LABELS, 1 - LABELS[:, :1]], dim=1) * 255  # what the labels say, as colours
    image, label, _ = draw(8, 2, 12, shown, **MOVED)
    torch.testing.assert_close(image[:, :2], label, atol=1e-5, rtol=0)
    assert ((label > 0.01) & (label < 0.99)).float().mean() > 0.1, "soft at borders"
    first = LABELS * torch.tensor([1, 0], dtype=torch.uint8)[:, None, None]
    assert torch.equal(draw(8, 2, 12, truth=first, **MOVED)[1][:, 0], label[:, 0])
    assert torch.equal(draw(8, 2, 12, truth=LABELS - first, **MOVED)[1][:, 1], label[:, 1])


def test_of_rotation_shift_and_zoom_one_is_drawn_each_as_often():
    how = {"rotation": (45.0, 1.0), "shift": (0.05, 1.0), "zoom": (0.2, 1.0), "flip_probability": 0.0, "labels": "soft"}
    augmentation = Augmentation(**NOTHING | how | {"one_of": True})
    matrix = draw_geometry(augmentation, 3000, 100, 200, torch.Generator().manual_seed(0))
    turned, shifted = matrix[:, 0, 1] != 0, (matrix[:, :2, 2] != 0).any(1)
    zoomed = ~turned & (matrix[:, 0, 0] != 1)
    assert ((turned.int() + shifted.int() + zoomed.int()) == 1).all()
    for own in (turned, shifted, zoomed):
        assert 0.3 < own.float().mean() < 0.37


def test_a_covered_label_is_whole_wherever_a_moved_one_touches():
    (image, soft, _), (same, covered, _) = draw(8, 2, 12, **MOVED), draw(8, 2, 12, **MOVED, labels="covered")
    assert torch.equal(image, same)
    assert torch.equal(covered, (soft * 255).round().clamp(max=1))
    assert torch.equal(draw(8, 2, 12, **MOVED, labels="half")[1], (soft > 0.5).float())
    assert torch.equal(draw(8, 2, 12, labels="covered")[1], draw(8, 2, 12)[1].round()), "on the grid it grows nowhere"


def test_colour_leaves_the_label_alone_stays_in_range_and_turns_about_the_mean_of_the_whole_brightened_image():
    always = dict.fromkeys(("brightness", "contrast", "saturation"), (0.9, 1.0))
    (image, label, _), (plain, same, _) = draw(6, 3, 8, **always), draw(6, 3, 8)
    assert torch.equal(label, same)
    assert 0 <= image.min() <= image.max() <= 1
    assert (image - plain).abs().max() > 0.1
    histogram = torch.zeros(1, 3, 256)
    histogram[0, :, [51, 204]] = 0.5  # half 0.2, half 0.8 in each channel
    pixel = torch.tensor([0.2, 0.4, 0.8]).view(1, 1, 3, 1, 1)
    factors = [torch.tensor([value]) for value in (1.5, 0.5, 1.0)]  # brightened: 0.3 and, clipped, 1.0
    mean = 0.65 * sum(GREY)
    expected = [mean + 0.5 * (value - mean) for value in (0.3, 0.6, 1.0)]
    found = _recolour(pixel, histogram, torch.tensor(GREY), *factors)
    torch.testing.assert_close(found.flatten(), torch.tensor(expected))


def test_an_augmentation_is_applied_as_often_and_far_as_said_and_a_grid_ends_at_the_border():
    maps = torch.arange(5 * 4).reshape(1, 5, 4)
    assert grid_patches(maps, 3).shape == (4, 3, 3)
    assert grid_patches(maps, 3)[:, 0, 0].tolist() == [0, 1, 8, 9]
    assert grid_patches(maps, (2, 4))[:, 0, 0].tolist() == [0, 8, 12]
    values = draw_values((2.0, 0.25), 4000, torch.Generator().manual_seed(0))
    assert (values != 0).float().mean() == pytest.approx(0.25, abs=0.03)
    assert 1.9 < values.abs().max() <= 2.0
