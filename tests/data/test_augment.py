import pytest
import torch

from vesselbench.data.augment import GREY, Augmentation, Chance, PatchSampler, _recolour

NEVER = Chance(0.5, 0.0)
NOTHING = {
    **dict.fromkeys(("brightness", "contrast", "saturation", "rotation", "shear", "shift", "zoom"), NEVER),
    "flip_probability": 0.0,
    "labels": "soft",
}


def sampler(**changes):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (2, 3, 20, 24), generator=generator, dtype=torch.uint8)
    labels = torch.randint(2, (2, 20, 24), generator=generator, dtype=torch.uint8)
    return PatchSampler(images, labels, Augmentation(**{**NOTHING, **changes})), images, labels


def test_without_augmentation_patches_are_cut_out_unchanged():
    draws, images, labels = sampler()
    image, label, chosen = draws.draw(6, 3, 8, torch.Generator().manual_seed(1))
    assert image.shape == (6, 3, 8, 8)
    assert label.shape == (6, 1, 8, 8)
    for place in range(6):
        source = torch.cat([images[chosen[place // 3]], labels[chosen[place // 3]][None] * 255]).float() / 255
        windows = source.unfold(1, 8, 1).unfold(2, 8, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
        patch = torch.cat([image[place], label[place]])
        assert (windows - patch).abs().amax((1, 2, 3)).min() < 1e-4


def test_flips_and_half_turns_map_the_grid_onto_itself():
    draws, images, labels = sampler(flip_probability=1.0)  # both flips: the image turned by 180 degrees
    whole = PatchSampler(images[:, :, :, :20], labels[:, :, :20], draws.augmentation)
    image, label, chosen = whole.draw(1, 1, 20, torch.Generator().manual_seed(1))
    expected = images[chosen[0], :, :, :20].flip(1, 2) / 255
    torch.testing.assert_close(image[0], expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(label[0, 0], labels[chosen[0], :, :20].flip(0, 1).float(), atol=1e-4, rtol=0)


def test_image_and_label_move_together():
    always = {
        name: Chance(amount, 1.0) for name, amount in {"rotation": 180, "shear": 5, "shift": 0.1, "zoom": 0.2}.items()
    }
    draws, images, labels = sampler(**always)
    same = PatchSampler(labels[:, None].expand(-1, 3, -1, -1) * 255, labels, draws.augmentation)
    image, label, _ = same.draw(8, 2, 12, torch.Generator().manual_seed(2))
    torch.testing.assert_close(image[:, :1], label, atol=1e-5, rtol=0)
    assert ((label > 0.01) & (label < 0.99)).float().mean() > 0, "soft at borders"


def test_a_covered_label_is_whole_wherever_a_moved_one_touches():
    always = {"shift": Chance(0.1, 1.0), "rotation": Chance(180, 1.0)}
    soft, *_ = sampler(**always)
    covered, *_ = sampler(**always, labels="covered")
    still, *_ = sampler(labels="covered")
    plain, *_ = sampler()
    (image, label), (same_image, whole) = (
        d.draw(8, 2, 12, torch.Generator().manual_seed(2))[:2] for d in (soft, covered)
    )
    assert torch.equal(image, same_image)
    assert torch.equal(whole, (label * 255).round().clamp(max=1))
    unmoved, expected = (d.draw(8, 2, 12, torch.Generator().manual_seed(2))[1] for d in (still, plain))
    assert torch.equal(unmoved, expected.round()), "a label that lies on the grid grows nowhere"


def test_colour_leaves_the_label_alone_and_stays_in_range():
    always = {name: Chance(0.9, 1.0) for name in ("brightness", "contrast", "saturation")}
    plain, *_ = sampler()
    colourful, *_ = sampler(**always)
    image, label, _ = colourful.draw(6, 3, 8, torch.Generator().manual_seed(1))
    unchanged, same_label, _ = plain.draw(6, 3, 8, torch.Generator().manual_seed(1))
    torch.testing.assert_close(label, same_label)
    assert image.min() >= 0
    assert image.max() <= 1
    assert (image - unchanged).abs().max() > 0.1


def test_contrast_turns_about_the_grey_mean_of_the_whole_brightened_image():
    histogram = torch.zeros(1, 3, 256)
    histogram[0, :, [51, 204]] = 0.5  # half 0.2, half 0.8 in each channel
    pixel = torch.tensor([0.2, 0.4, 0.8]).view(1, 1, 3, 1, 1)
    factors = [torch.tensor([value]) for value in (1.5, 0.5, 1.0)]  # brightened: 0.3 and, clipped, 1.0
    mean = 0.65 * sum(GREY)
    expected = [mean + 0.5 * (value - mean) for value in (0.3, 0.6, 1.0)]
    torch.testing.assert_close(
        _recolour(pixel, histogram, torch.tensor(GREY), *factors).flatten(), torch.tensor(expected)
    )


def test_same_generator_same_patches():
    draws, *_ = sampler(rotation=Chance(180, 0.5), brightness=Chance(0.2, 0.5))
    first, second = (draws.draw(4, 2, 8, torch.Generator().manual_seed(5))[0] for _ in range(2))
    assert torch.equal(first, second)


def test_chance_refuses_what_is_no_probability():
    with pytest.raises(ValueError, match=r"probability 1.5: amount >= 0, probability in \[0, 1\]"):
        Chance(0.1, 1.5)


def test_chance_is_applied_as_often_as_said():
    values = Chance(2.0, 0.25).draw(4000, torch.Generator().manual_seed(0))
    assert 0.2 < (values != 0).float().mean() < 0.3
    assert 1.9 < values.abs().max() <= 2.0


@pytest.mark.parametrize("processes", [2, 3])
def test_the_shares_of_several_processes_are_the_batch_of_one(processes):
    draws, images, labels = sampler(rotation=Chance(180, 0.5), brightness=Chance(0.2, 0.5))
    image, label, chosen = draws.draw(12, 2, 8, torch.Generator().manual_seed(5))
    for number in range(processes):
        one = PatchSampler(images, labels, draws.augmentation, (number, processes))
        share = one.draw(12, 2, 8, torch.Generator().manual_seed(5))
        assert torch.equal(share[0], image.unflatten(0, (6, 2))[number::processes].flatten(0, 1))
        assert torch.equal(share[1], label.unflatten(0, (6, 2))[number::processes].flatten(0, 1))
        assert torch.equal(share[2], chosen)
