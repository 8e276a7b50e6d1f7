"""Photographs, label maps and masks: reading and writing their files."""

from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from vesselbench.config import UserError

Shape = tuple[int, int]


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
    """Return an image (H, W) that is of the shape asked for, if any; UserError if it is not."""
    if shape is not None and values.shape != tuple(shape):
        found, wanted = (f"{size[0]} x {size[1]}" for size in (values.shape, shape))
        raise UserError(
            f"{path}: {found} (rows x columns), but the image that it belongs to is {wanted}; both must be of one size"
        )
    return values
