"""Fields of view: estimated on drawn discs and on DRIVE's photographs, and measured."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.fov import diameter, estimate
from vesselbench.data.images import read_image, read_mask
from vesselbench.data.sample import Sample, read_samples, write_samples
from vesselbench.datasets.fetch import obtain
from vesselbench.stages.fov import main as stage


def disc(radius, size=120):
    rows, columns = np.mgrid[:size, :size] - size // 2
    return rows**2 + columns**2 <= radius**2


def overlap(mask, other):
    return (mask & other).sum() / (mask | other).sum()


def photograph(eye):
    """Red at 150 inside, film grain at about 20 outside."""
    image = np.random.default_rng(0).integers(10, 30, (*eye.shape, 3), np.uint8)
    image[eye, 0] = 150
    return image


def test_disc_in_grain_and_what_is_dark_inside_or_narrow_outside_makes_no_difference():
    image = photograph(disc(50))
    assert overlap(estimate(image), disc(50)) > 0.98
    image[55:75, 10:40] = 20  # a shadow that reaches the rim
    image[60:64, 60:64] = 20  # a dark spot
    image[2:4] = 200  # a scratch
    assert overlap(estimate(image), disc(50)) > 0.98
    cut = estimate(photograph(disc(75)))  # by the border, where it is not rounded
    assert cut[0, 60]
    assert overlap(cut, disc(75)) > 0.98


def test_a_large_photograph_is_estimated_on_a_smaller_one():
    eye = disc(700, 1600)
    image = np.zeros((*eye.shape, 3), np.uint8)
    image[eye] = 150
    assert overlap(estimate(image), eye) > 0.99
    assert abs(diameter(estimate(image)) - 1401) <= 4
    assert estimate(image[:, :400]).shape == (1600, 400)


def test_all_is_inside_where_there_is_nothing_to_part_or_nothing_wide_enough():
    line = np.zeros((100, 100, 3), np.uint8)
    line[50:53] = 255
    bright = np.where(photograph(disc(50)) > 40, 250, 150).astype(np.uint8)  # a surround that is not dark is none
    for image in (np.zeros((9, 8, 3), np.uint8), np.full((9, 8, 3), 200, np.uint8), line, bright):
        assert estimate(image).all()


def test_the_diameter_is_the_wider_extent():
    assert diameter(disc(50)) == 101
    cut = disc(50)
    cut[:30], cut[90:] = False, False
    assert diameter(cut) == diameter(cut.T) == 101, "a disc cut above and below, or left and right"
    assert diameter(np.zeros((5, 5), bool)) == 0
    assert diameter(np.eye(3, dtype=bool)[1:2]) == 1


def test_official_masks_must_be_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("sources: {toy: {fov: official}}")
    (raw := Path("data/raw/toy")).mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(raw / "a.png")
    write_samples([Sample("a", "a", "", raw / "a.png")], raw)
    message = "sources.toy.fov is official, but data/raw/toy/a.png has no mask; set it to est"
    with pytest.raises(UserError, match=message):
        stage("toy")
    assert not list(Path("data/fov").iterdir())


@pytest.mark.archives
@pytest.mark.usefixtures("archives")
def test_official_masks_of_drive(tmp_path):
    obtain("drive", {"fov": "official", "mirror": False}, tmp_path / "drive")
    samples = read_samples(tmp_path / "drive")
    overlaps = {s.id: overlap(estimate(read_image(s.image)), read_mask(s.fov)) for s in samples}
    assert len(overlaps) == 40
    assert min(overlaps.values()) >= 0.98, sorted(overlaps.items(), key=lambda item: item[1])[:3]
