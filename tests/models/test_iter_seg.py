"""Iter-Seg on drawn eyes: what it finds, what it leaves out, and that its logits are its own result."""

import cv2
import numpy as np
import pytest
import torch

from vesselbench.models import iter_seg
from vesselbench.models.iter_seg import IterSeg, enhance, large, reached, segment, segment_of

SIZE, RADIUS = 300, 135  # half the width of DRIVE's eye: lengths are halved, areas quartered


def draw(seed=0):
    """Draw a noisy disk with two dark curves and a faint one: photograph, the two, the faint, the disk."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    disk = (rows - SIZE // 2) ** 2 + (columns - SIZE // 2) ** 2 <= RADIUS**2
    x = np.arange(55, 245)
    strong, faint = np.zeros((2, SIZE, SIZE), np.uint8)
    for middle, height, lines, width in ((100, 25, strong, 5), (190, -20, strong, 4), (150, 10, faint, 2)):
        y = middle + height * np.sin((x - 55) / 40)
        cv2.polylines(lines, [np.stack([x, y], axis=1).round().astype(np.int32)], False, 1, width)
    noise = np.random.default_rng(seed).normal(0, 3, (SIZE, SIZE))
    green = 120 + noise - 50 * strong - 9 * (faint & ~strong)
    image = np.stack([green + 60, green, green - 60], axis=2) * disk[..., None]
    return image.clip(0, 255).astype(np.uint8), strong > 0, faint > 0, disk


def as_batch(*images):
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 255


def test_finds_the_lines_and_nothing_outside_the_field_of_view():
    image, strong, faint, disk = draw()
    found = IterSeg(3, 1)(as_batch(image))[-1][0, 0].numpy() >= 0
    truth = strong | faint
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.8
    assert not found[~disk].any()


def test_logits_are_at_least_0_exactly_in_the_result_and_follow_the_score_on_either_side():
    image, *_ = draw()
    logits = IterSeg(3, 1)(as_batch(image))[-1][0, 0]
    score, inside, scale = enhance(image)
    assert np.array_equal(logits.numpy() >= 0, segment(score, inside, scale))
    levels = (torch.sigmoid(logits) * 65535).round()
    assert torch.equal(levels / 65535 >= 0.5, logits >= 0), "also as 16-bit probabilities"
    logits = logits.numpy()
    for side in (logits >= 0, inside & (logits < 0)):
        order = np.argsort(score[side], kind="stable")
        assert (np.diff(logits[side][order]) >= 0).all()
    assert np.array_equal(logits == logits.min(), ~inside)


def test_rounds_add_a_faint_line_that_the_first_threshold_misses(monkeypatch):
    image, _, faint, _ = draw()
    assert segment(*enhance(image))[faint].mean() > 0.6
    monkeypatch.setattr(iter_seg, "ROUNDS", 0)
    assert segment(*enhance(image))[faint].mean() < 0.2


def test_small_components_are_removed(monkeypatch):
    image, strong, *_ = draw()
    image[70:74, 148:152] = 0  # a dark spot: no vessel
    around = np.s_[60:84, 138:162]
    monkeypatch.setattr(iter_seg, "COMPONENT", 1)
    assert segment(*enhance(image))[around].any()
    monkeypatch.setattr(iter_seg, "COMPONENT", 600)
    found = segment(*enhance(image))
    assert not found[around].any()
    assert found[strong].mean() > 0.8


def test_components_by_size_and_by_seed():
    mask = np.array([[1, 0, 0, 1, 1], [0, 1, 0, 0, 0], [0, 0, 0, 1, 0]], bool)  # a diagonal joins
    assert large(mask, 2).sum() == 4
    assert large(mask, 3).sum() == 0
    seeds = np.zeros_like(mask)
    seeds[0, 0] = True
    assert np.argwhere(reached(mask, seeds)).tolist() == [[0, 0], [1, 1]]
    # lines have their length and direction
    assert np.argwhere(segment_of(5, 0)).tolist() == [[2, column] for column in range(5)]
    assert np.argwhere(segment_of(4, np.pi / 2)).tolist() == [[row, 2] for row in range(5)]


def test_field_of_view_is_the_disk_and_padding_changes_nothing():
    image, *_, disk = draw()
    _, inside, scale = enhance(image)
    assert (inside & ~disk).sum() == 0
    assert inside.sum() > 0.95 * disk.sum(), "all but the rim"
    assert abs(scale - 2 * RADIUS / 540) < 0.005
    padded, network = as_batch(np.pad(image, ((0, 9), (0, 20), (0, 0)))), IterSeg(3, 1)
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
