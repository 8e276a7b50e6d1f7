"""Truths and masks as labelling and drawing programs store them: what they become, notes, and what is refused."""

import gzip
import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from vesselbench.config import UserError
from vesselbench.foreign import read_foreign_labels

LABEL = np.zeros((20, 30), np.uint8)
LABEL[5:8, 3:20] = LABEL[2:15, 10] = 1
WHERE = LABEL == 1
EYE = np.hypot(*np.mgrid[-9.5:10, -14.5:15]) < 9
BROKEN = "not a whole PNG, TIFF, GIF, BMP, PGM, NPY or NPZ file"
BLACK, WHITE, RED, BLUE = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255)


def painted(background, *colours):
    """Draw the label in colours, each its share of the vessel pixels."""
    image = np.empty((*LABEL.shape, len(background)), np.uint8)
    image[:] = background
    for at, colour in enumerate(colours):
        rows, columns = np.nonzero(WHERE)
        image[rows[at :: len(colours)], columns[at :: len(colours)]] = colour
    return image


def palette(*colours):
    image = Image.fromarray(LABEL, "L").convert("P")
    image.putdata(LABEL.ravel().tolist())
    image.putpalette([value for colour in colours for value in colour])
    return image


def read(path, mask=False):
    (label,), notes = read_foreign_labels([path], mask)
    return label, "; ".join(notes).replace(f"{path} (1 of 1 files): ", "")


def save(path, values):
    if isinstance(values, Image.Image):
        values.save(path)
    elif path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".npz":
        np.savez(path, values)
    elif path.suffix == ".gz":
        Image.fromarray(values).save(buffer := io.BytesIO(), format="PPM")
        path.write_bytes(gzip.compress(buffer.getvalue()))
    elif path.suffix == ".tif":
        tifffile.imwrite(path, values, photometric="rgb" if values.ndim == 3 else "minisblack")
    else:
        Image.fromarray(values).save(path)
    return path


@pytest.mark.parametrize(("name", "values"), [
    *((f"own.{end}", LABEL * 255) for end in ("png", "tif", "gif", "bmp", "pgm", "npy", "npz", "pgm.gz")),
    *((f"own.{end}", LABEL) for end in ("png", "tif", "npy")),
    ("own.png", LABEL * 250 + 3),
    ("own.png", LABEL.astype(np.uint16) * 65535),
    *(("own.png", Image.fromarray(WHERE).convert(mode)) for mode in ("1", "RGB", "LA", "RGBA")),
    *((f"own.{end}", LABEL.astype(kind)) for end in ("npy", "tif") for kind in ("f4", "f8", "i8", "i4", "u4", "i2")),
    ("own.npy", LABEL[None, ..., None].astype(bool)),
    ("own.npy", LABEL * 2.0 - 1),
    ("own.gif", palette(BLACK, WHITE)),
    ("own.png", palette((3, 3, 3), (4, 4, 4))),
    ("own.ppm.gz", painted(BLACK, WHITE)),
    ("own.tif", painted(BLACK, WHITE)),
])  # fmt: skip
def test_two_values_of_any_type_are_a_label_without_a_note(tmp_path, name, values):
    for mask in (False, True):
        label, notes = read(save(tmp_path / name, values), mask)
        assert (label.dtype, notes) == (bool, "")
        np.testing.assert_array_equal(label, LABEL)


SURROUND = painted((*BLACK, 255), (*WHITE, 255))
SURROUND[:, :2] = (*WHITE, 0)


@pytest.mark.parametrize(("values", "background", "vessel"), [
    (painted(WHITE, RED), "#ffffff", "#ff0000"),
    (painted(BLACK, RED, BLUE, (0, 255, 0), WHITE), "#000000", "#0000ff, #00ff00, #ff0000, #ffffff"),
    (palette(BLACK, (128, 0, 0)), "#000000", "#800000"),
    (painted((0, 0, 0, 0), (*RED, 255)), "transparency", "#ff0000"),
    (painted((*WHITE, 0), (*BLACK, 255)), "transparency", "#000000"),
    (painted((9, 9, 9, 0), (*RED, 255), (*BLUE, 255)), "transparency", "#0000ff, #ff0000"),
    (SURROUND, "#000000", "#ffffff"),  # its transparent margin too is background
    (painted((*WHITE, 255), (*WHITE, 0)), "transparency", "#ffffff"),  # of one colour: the hole looks inverted
])  # fmt: skip
def test_colours_and_transparent_layers_are_labels_with_a_note(tmp_path, values, background, vessel):
    label, notes = read(save(tmp_path / "own.png", values))
    assert notes == f"colours: {background} is taken as background, {vessel} as vessel"
    np.testing.assert_array_equal(label, LABEL if (background, vessel) != ("transparency", "#ffffff") else ~WHERE)


def test_a_mask_is_what_differs_from_its_corners_and_a_constant_one_the_whole_frame(tmp_path):
    coloured = np.where(EYE[..., None], RED, BLUE).astype(np.uint8)
    label, notes = read(save(tmp_path / "own.png", coloured[:, 5:-5]), mask=True)
    assert EYE[:, 5:-5].mean() > 0.5
    np.testing.assert_array_equal(label, EYE[:, 5:-5])
    assert notes == "colours: #0000ff is taken as background, #ff0000 as the eye"
    for value, expected in ((0, 0), (1, 1), (255, 1)):
        path = save(tmp_path / "own.png", np.full((4, 4), value, np.uint8))
        assert (read(path, mask=True)[0] == expected).all()


@pytest.mark.parametrize(("name", "values", "message"), [
    ("own.png", LABEL * 100 + np.eye(20, 30, dtype=np.uint8), "4 grey values (0, 1, 100, 101, ...); a binary"),
    ("own.npy", np.where(WHERE, np.nan, 0.0), f"{WHERE.sum()} of 600 values are NaN or infinite, the first at row 2, "),
    ("own.npy", np.zeros((4, 4, 2)), "an array of shape (4, 4, 2) and type float64; an image has two axes"),
    ("own.npy", np.full((4, 4), "a"), "an array of shape (4, 4) and type <U1; an image has two axes"),
    ("own.png", painted(BLACK, *((shade, 0, 0) for shade in range(240, 256))), "17 colours; a label has at most 16, "),
    ("own.png", np.dstack([painted(BLACK, RED), np.arange(600).reshape(20, 30) % 3 * 100]).astype(np.uint8),
     "3 degrees of transparency (0, 100, 200, ...); "),
    ("own.png", np.vstack([LABEL, LABEL]), f"{BROKEN} of one image of at most 600 pixels"),
    ("own.pgm.gz", b"no gzip", BROKEN),
    ("own.npz", b"PK\3\4", BROKEN),
])  # fmt: skip
def test_what_is_no_label(tmp_path, monkeypatch, name, values, message):
    path = tmp_path / name
    path.write_bytes(values) if isinstance(values, bytes) else save(path, values)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)  # Pillow raises above twice as many
    with pytest.raises(UserError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: {message}")
