import numpy as np
import pytest
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.images import read_classes, read_image, read_label, read_mask, write_mask


def save(path, rows, dtype=np.uint8):
    Image.fromarray(np.array(rows, dtype)).save(path)
    return path


def test_image_is_rgb(tmp_path):
    path = save(tmp_path / "grey.png", [[1, 2], [3, 4]])
    assert read_image(path).tolist() == [[[1] * 3, [2] * 3], [[3] * 3, [4] * 3]]


@pytest.mark.parametrize(
    ("stored", "classes"),
    [
        ([[0, 255], [255, 0]], [[0, 1], [1, 0]]),
        ([[3, 253], [3, 253]], [[0, 1], [0, 1]]),
        ([[0, 1], [1, 1]], [[0, 1], [1, 1]]),
        ([[0, 0]], [[0, 0]]),
        ([[127, 127]], [[0, 0]]),
        ([[128, 128]], [[1, 1]]),
    ],
)
def test_label_levels(tmp_path, stored, classes):
    label = read_label(save(tmp_path / "label.png", stored))
    assert label.dtype == np.uint8
    assert label.tolist() == classes


def test_label_of_one_bit(tmp_path):
    Image.fromarray(np.array([[False, True]])).save(tmp_path / "label.png")
    assert read_label(tmp_path / "label.png").tolist() == [[0, 1]]


def test_label_with_palette_is_read_by_grey_not_by_index(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], np.uint8), mode=None).convert("P")
    image.putpalette([253] * 3 + [3] * 3)
    image.save(tmp_path / "label.gif")
    assert read_label(tmp_path / "label.gif").tolist() == [[1, 0]]


def test_label_that_is_not_binary(tmp_path):
    path = save(tmp_path / "label.png", [[0, 7, 9], [120, 200, 255]])
    with pytest.raises(UserError) as error:
        read_label(path)
    assert str(error.value) == (
        f"{path}: 6 grey values (0, 7, 9, 120, ...); a binary label has at most two, background and vessel; "
        "threshold it, and store it in a format without loss such as PNG"
    )


def test_label_of_another_size(tmp_path):
    path = save(tmp_path / "label.png", [[0, 255]])
    assert read_label(path, (1, 2)).shape == (1, 2)
    with pytest.raises(UserError) as error:
        read_label(path, (2, 1))
    assert str(error.value) == (
        f"{path}: 1 x 2 (rows x columns), but the image that it belongs to is 2 x 1; both must be of one size"
    )


def test_classes(tmp_path):
    path = save(tmp_path / "classes.png", [[0, 1], [2, 3]])
    assert read_classes(path, 4).tolist() == [[0, 1], [2, 3]]
    with pytest.raises(UserError, match=r"class 3; with 3 classes the values are 0 to 2"):
        read_classes(path, 3)
    with pytest.raises(UserError, match="not an 8-bit image with one channel"):
        read_classes(save(tmp_path / "colour.png", np.zeros((1, 1, 3))), 2)


def test_mask_round_trip(tmp_path):
    mask = np.array([[True, False], [False, True]])
    write_mask(tmp_path / "mask.png", mask)
    assert np.unique(np.asarray(Image.open(tmp_path / "mask.png"))).tolist() == [0, 255]
    again = read_mask(tmp_path / "mask.png")
    assert again.dtype == bool
    assert np.array_equal(again, mask)


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_image(tmp_path / "none.png")
    whole = save(tmp_path / "whole.png", np.arange(4096).reshape(64, 64) % 251).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("hello")
    for name in ("cut.png", "text.png"):
        with pytest.raises(UserError, match="not an image, or not the whole of one"):
            read_image(tmp_path / name)
