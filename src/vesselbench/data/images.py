"""Photographs, label maps and masks: reading and writing their files."""

from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.task import KINDS

Shape = tuple[int, int]
COLOURS = np.array([0, 2, 3, 3, 1, 3, 3, 4], np.uint8)  # class of black, blue, green, cyan, red, magenta, yellow, white


def read_image(path: Path) -> np.ndarray:
    """Read a photograph in any format that Pillow reads: uint8 (H, W, 3), red, green, blue.

    Grey is repeated over the three channels, transparency is dropped. UserError where the file is missing, or is no
    whole image.
    """
    return read_pixels(path, "RGB")


def read_label(path: Path, shape: Shape | None = None) -> np.ndarray:
    """Read a binary label map as classes, uint8 (H, W): 0 background, 1 vessel.

    The file has at most two grey levels, whichever they are: 0 and 255, 0 and 1, or the palette greys 3 and 253 of
    DRIVE's second observer. The brighter of two is vessel; a single one is when above 127. ``shape`` is the (H, W) of
    the photograph that it belongs to. UserError where the file is missing or no whole image, has more than two grey
    levels, or is of another shape.
    """
    grey = read_pixels(path, "L")
    levels = binary_levels(grey, path)
    threshold = levels[0] if len(levels) == 2 else 127
    return (of_shape(grey, path, shape) > threshold).astype(np.uint8)


def binary_levels(values: np.ndarray, path: Path, what: str = "grey values") -> np.ndarray:
    """Return the values that a binary label holds, one or two, sorted; UserError where there are more."""
    levels = np.unique(values)
    if len(levels) > 2:
        some = ", ".join(map(str, levels[:4]))
        raise UserError(
            f"{path}: {len(levels)} {what} ({some}, ...); a binary label has at most two, background "
            "and vessel; threshold it, and store it in a format without loss such as PNG"
        )
    return levels


def read_kinds(path: Path, shape: Shape | None = None) -> np.ndarray:
    """Read a label of arteries and veins as classes, uint8 (H, W), numbered as ``task.KINDS``.

    A colour image has red arteries, blue veins, green crossings, white uncertain vessels and black background; other
    colours, such as a smooth edge, are taken as the nearest corner of the colour cube, of which magenta, cyan and
    yellow, each two kinds at once, are crossings. A grey image holds the numbers themselves. UserError where the file
    is missing or no whole image, is of another shape than asked for, is grey with other values, or has more than one
    pixel in a thousand of another colour.
    """
    pixels = of_shape(read_pixels(path, "RGB"), path, shape)
    if (pixels == pixels[..., :1]).all():
        if pixels.max() >= len(KINDS):
            numbers = ", ".join(f"{number} {kind}" for number, kind in enumerate(KINDS))
            raise UserError(
                f"{path}: grey, with values up to {pixels.max()}; a label of arteries and veins is in colour "
                f"or holds {numbers}; a label of vessels alone does not tell them apart"
            )
        return pixels[..., 0]
    bits = (pixels > 127).astype(np.uint8)
    corners = bits @ np.array([4, 2, 1], np.uint8)
    odd = (pixels != 255 * bits).any(axis=2) | np.isin(corners, (3, 5, 6))  # cyan, magenta, yellow
    if 1000 * odd.sum() > odd.size:
        row, column = np.argwhere(odd)[0]
        raise UserError(
            f"{path}: {odd.sum()} of {odd.size} pixels, such as row {row}, column {column}, are neither red, blue, "
            "green, white nor black; a label of arteries and veins has these colours; store it without loss, as PNG"
        )
    return COLOURS[corners]


def read_mask(path: Path, shape: Shape | None = None) -> np.ndarray:
    """Read a field-of-view mask as bool (H, W), by the rules of :func:`read_label`."""
    return read_label(path, shape).astype(bool)


def write_mask(path: Path, mask: np.ndarray) -> None:
    """Write a bool or 0/1 array (H, W) as an 8-bit image of 0 and 255."""
    Image.fromarray(np.where(mask, np.uint8(255), np.uint8(0))).save(path)


def read_pixels(path: Path, mode: str | None = None) -> np.ndarray:
    """Read an image as Pillow has it, or converted to one of its modes; UserError as :func:`read_image`."""
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file; run the stage that writes it, or correct the path")
    with suppress(OSError, SyntaxError, Image.DecompressionBombError), Image.open(path) as image:
        return np.array(image.convert(mode) if mode else image)
    raise UserError(f"{path}: not an image, or not the whole of one; fetch or write it again")


def of_shape(values: np.ndarray, path: Path, shape: Shape | None) -> np.ndarray:
    """Return an image (H, W) or (H, W, C) of the shape (H, W) asked for, if any; UserError if it is not."""
    if shape is not None and values.shape[:2] != tuple(shape):
        found, wanted = (f"{size[0]} x {size[1]}" for size in (values.shape, shape))
        raise UserError(
            f"{path}: {found} (rows x columns), but the image that it belongs to is {wanted}; both must be of one size"
        )
    return values
