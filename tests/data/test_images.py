"""Photographs, labels and masks from files as data sets have them, and what is answered to others."""

import numpy as np
import pytest
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.images import read_image, read_kinds, read_label, read_mask, write_mask


def save(path, rows, dtype=np.uint8):
    Image.fromarray(np.array(rows, dtype)).save(path)
    return path


@pytest.mark.parametrize(("stored", "classes"), [
    ([[0, 255], [255, 0]], [[0, 1], [1, 0]]),
    ([[3, 253], [3, 253]], [[0, 1], [0, 1]]),
    ([[0, 1], [1, 1]], [[0, 1], [1, 1]]),
    ([[0, 0]], [[0, 0]]),
    ([[127, 127]], [[0, 0]]),
    ([[128, 128]], [[1, 1]]),
    (np.array([[False, True]]), [[0, 1]]),  # one bit
])  # fmt: skip
def test_the_brighter_of_two_levels_is_vessel(tmp_path, stored, classes):
    label = read_label(save(tmp_path / "label.png", stored, getattr(stored, "dtype", np.uint8)))
    assert label.dtype == np.uint8
    assert label.tolist() == classes


def test_a_grey_photograph_is_read_as_rgb_and_a_label_with_a_palette_by_grey_not_by_index(tmp_path):
    assert read_image(save(tmp_path / "grey.png", [[1, 2]])).tolist() == [[[1] * 3, [2] * 3]]
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    image.putpalette([253] * 3 + [3] * 3)
    image.save(tmp_path / "label.gif")
    assert read_label(tmp_path / "label.gif").tolist() == [[1, 0]]


def test_a_label_that_is_not_binary_or_of_another_size_is_refused(tmp_path):
    path = save(tmp_path / "label.png", [[0, 7, 9], [120, 200, 255]])
    values = r"label.png: 6 grey values \(0, 7, 9, 120, ...\); a binary label has at most two"
    with pytest.raises(UserError, match=values):
        read_label(path)
    save(path, [[0, 255]])
    assert read_label(path, (1, 2)).shape == (1, 2)
    with pytest.raises(UserError, match=r"1 x 2 \(rows x columns\), but the image that it belongs to is 2 x 1"):
        read_label(path, (2, 1))


def test_each_colour_is_a_kind_and_a_grey_label_holds_their_numbers(tmp_path):
    colours = [[[0, 0, 0], [255, 0, 0], [0, 0, 255], [0, 255, 0], [255, 255, 255]]]
    for kinds in (read_kinds(save(tmp_path / "k.png", colours)), read_kinds(save(tmp_path / "k.png", [range(5)]))):
        assert kinds.dtype == np.uint8
        assert kinds.tolist() == [[0, 1, 2, 3, 4]]
    grey = r"k.png: grey, with values up to (5|255); a label .* holds 0 background, 1 art"
    for rows in ([[0, 5]], [[0, 255]], [[[0] * 3, [255] * 3]]):  # of vessels alone
        with pytest.raises(UserError, match=grey):
            read_kinds(save(tmp_path / "k.png", rows))


@pytest.mark.parametrize(("colour", "kind"), [
    *[((255, 0, 255), 3), ((0, 255, 255), 3), ((255, 255, 0), 3)],  # two kinds at once
    *[((254, 0, 0), 1), ((128, 127, 0), 1), ((10, 90, 200), 2), ((0, 128, 0), 3)],  # smooth edges
    *[((127, 127, 127), 0), ((128, 128, 128), 4)],
])  # fmt: skip
def test_one_odd_colour_in_a_thousand_is_the_nearest_one_more_is_refused(tmp_path, colour, kind):
    pixels = np.zeros((1, 1000, 3), np.uint8)
    pixels[0, [7, 9]] = colour, (255, 0, 0)
    kinds = read_kinds(save(tmp_path / "kinds.png", pixels))
    assert {place: kinds[0, place] for place in np.flatnonzero(kinds[0])} == {9: 1} | ({7: kind} if kind else {})
    with pytest.raises(UserError, match=r"kinds.png: 1 of 999 pixels, such as row 0, column 7, are neither red, blue"):
        read_kinds(save(tmp_path / "kinds.png", pixels[:, :999]))


def test_a_mask_is_read_as_it_was_written(tmp_path):
    mask = np.array([[True, False], [False, True]])
    write_mask(tmp_path / "mask.png", mask)
    assert np.asarray(Image.open(tmp_path / "mask.png")).tolist() == [[255, 0], [0, 255]]
    assert read_mask(tmp_path / "mask.png").dtype == bool
    assert np.array_equal(read_mask(tmp_path / "mask.png"), mask)


def test_missing_broken_and_too_large_files_are_refused(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no such file"):
        read_image(tmp_path / "none.png")
    whole = save(tmp_path / "whole.png", np.arange(4096).reshape(64, 64) % 251).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("hello")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)  # Pillow raises above twice as many
    for name in ("cut.png", "text.png", "whole.png"):
        with pytest.raises(UserError, match=f"{name}: not an image, or not the whole of one; fetch or write it again"):
            read_image(tmp_path / name)
