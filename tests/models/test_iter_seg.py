"""Iter-Seg on drawn eyes: what it finds, what it leaves out, and that its logits are its own result."""

import cv2
import numpy as np
import pytest
import torch

from vesselbench.config import UserError
from vesselbench.models.build import NetworkEntry, build_network, load_network, save_network
from vesselbench.models.iter_seg import IterSeg, large, reached, segment_of

SIZE, RADIUS = 300, 135  # half the width of DRIVE's eye: lengths are halved, areas quartered


def draw(seed=0, vessels=True):
    """A noisy disk with two dark curves and a faint one: photograph, the two, the faint, the disk."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    disk = (rows - SIZE // 2) ** 2 + (columns - SIZE // 2) ** 2 <= RADIUS**2
    x = np.arange(55, 245)
    strong, faint = np.zeros((2, SIZE, SIZE), np.uint8)
    for middle, height, lines, width in ((100, 25, strong, 5), (190, -20, strong, 4), (150, 10, faint, 2)):
        y = middle + height * np.sin((x - 55) / 40)
        cv2.polylines(lines, [np.stack([x, y], axis=1).round().astype(np.int32)], False, 1, width)
    noise = np.random.default_rng(seed).normal(0, 3, (SIZE, SIZE))
    green = 120 + noise - vessels * (50 * strong + 9 * (faint & ~strong))
    image = np.stack([green + 60, green, green - 60], axis=2) * disk[..., None]
    return image.clip(0, 255).astype(np.uint8), strong > 0, faint > 0, disk


def as_batch(*images):
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 255


def result(network, image):
    return network.segment(*network.enhance(image))


def test_finds_the_lines_and_nothing_outside_the_field_of_view():
    image, strong, faint, disk = draw()
    found = IterSeg(3, 1)(as_batch(image))[-1][0, 0].numpy() >= 0
    truth = strong | faint
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.8
    assert not found[~disk].any()


def test_logits_are_at_least_0_exactly_in_the_result_also_as_16_bit_probabilities():
    image, *_ = draw()
    network = IterSeg(3, 1)
    logits = network(as_batch(image))[-1][0, 0]
    assert np.array_equal(logits.numpy() >= 0, result(network, image))
    levels = (torch.sigmoid(logits) * 65535).round()
    assert torch.equal(levels / 65535 >= 0.5, logits >= 0)


def test_logits_follow_the_score_on_either_side():
    image, *_ = draw()
    network = IterSeg(3, 1)
    logits = network(as_batch(image))[-1][0, 0].numpy()
    score, inside, _ = network.enhance(image)
    for side in (logits >= 0, inside & (logits < 0)):
        order = np.argsort(score[side], kind="stable")
        assert (np.diff(logits[side][order]) >= 0).all()
    assert np.array_equal(logits == logits.min(), ~inside)


def test_rounds_add_a_faint_line_that_the_first_threshold_misses():
    image, _, faint, _ = draw()
    without, with_rounds = (result(IterSeg(3, 1, rounds=rounds), image)[faint].mean() for rounds in (0, 8))
    assert without < 0.2
    assert with_rounds > 0.6


def test_small_components_are_removed():
    image, strong, *_ = draw()
    image[70:74, 148:152] = 0  # a dark spot: no vessel
    around = np.s_[60:84, 138:162]
    with_spot, without = (result(IterSeg(3, 1, component=size), image) for size in (1, 600))
    assert with_spot[around].any()
    assert not without[around].any()
    assert without[strong].mean() > 0.8


def test_components_by_size_and_by_seed():
    mask = np.array([[1, 0, 0, 1, 1], [0, 1, 0, 0, 0], [0, 0, 0, 1, 0]], bool)  # a diagonal joins
    assert large(mask, 2).sum() == 4
    assert large(mask, 3).sum() == 0
    seeds = np.zeros_like(mask)
    seeds[0, 0] = True
    assert np.argwhere(reached(mask, seeds)).tolist() == [[0, 0], [1, 1]]


def test_lines_have_their_length_and_direction():
    assert np.argwhere(segment_of(5, 0)).tolist() == [[2, column] for column in range(5)]
    assert np.argwhere(segment_of(4, np.pi / 2)).tolist() == [[row, 2] for row in range(5)]


def test_field_of_view_is_the_disk_and_padding_changes_nothing():
    image, *_, disk = draw()
    _, inside, scale = IterSeg(3, 1).enhance(image)
    assert (inside & ~disk).sum() == 0
    assert inside.sum() > 0.95 * disk.sum(), "all but the rim"
    assert abs(scale - 2 * RADIUS / 540) < 0.005
    padded = as_batch(np.pad(image, ((0, 9), (0, 20), (0, 0))))
    network = IterSeg(3, 1)
    assert torch.equal(network(padded)[-1][..., :SIZE, :SIZE], network(as_batch(image))[-1])


def test_a_batch_is_its_images_one_by_one_also_under_autocast():
    images = [draw(seed)[0] for seed in range(2)]
    network = IterSeg(3, 1)
    single = torch.cat([network(as_batch(image))[-1] for image in images])
    with torch.autocast("cpu", torch.bfloat16):
        together = network(as_batch(*images).contiguous(memory_format=torch.channels_last))[-1]
    assert together.dtype == torch.float32
    assert torch.equal(together, single)


@pytest.mark.parametrize("height_width", [(45, 61), (64, 96), (3, 5)])
@pytest.mark.parametrize("make", [torch.zeros, lambda *shape: torch.full(shape, 0.4), torch.rand])
def test_images_without_an_eye_get_finite_logits(make, height_width):
    torch.manual_seed(0)
    logits = IterSeg(3, 1)(make(2, 3, *height_width))[-1]
    assert logits.shape == (2, 1, *height_width)
    assert torch.isfinite(logits).all()
    assert logits.min() < 0
    if make is not torch.rand:
        assert logits.max() < 0, "no vessel where all is one brightness"


def test_there_is_nothing_to_learn_and_it_is_saved_and_loaded(tmp_path):
    entry = NetworkEntry("iter_seg", "rgb", {"rounds": 2})
    network = build_network(entry)
    assert list(network.parameters()) == []
    assert network.multiple == 1
    assert network.whole_images
    save_network(tmp_path, network, entry)
    assert load_network(tmp_path)[0].rounds == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"grow": 4.0}, "grow 4.0 at most seed 3.5"), ({"across": 0}, "across 0"), ({"rounds": -1}, "rounds -1")],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        build_network(NetworkEntry("iter_seg", "rgb", arguments))


def test_only_colour_images_and_one_class():
    with pytest.raises(ValueError, match="1 channels, 1 classes"):
        IterSeg(1, 1)
    with pytest.raises(ValueError, match="3 channels, 2 classes"):
        IterSeg(3, 2)
