"""Probability maps from elsewhere, read as they are: nothing is rounded, scaled or resized on the way in."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.levels import stored_levels

FORMATS = ("PNG", "TIFF", "GIF", "BMP", "PPM")  # Pillow's names, PPM for PGM too; no JPEG, which changes the values
COLOUR = ("RGB", "RGBX", "RGBA", "P", "PA")  # Pillow's modes whose channels may still be equal
TYPES = {  # of a stored array -> of the map; each holds all values of the former
    "bool": np.uint8,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "float16": np.float32,
    "float32": np.float32,
    "float64": np.float64,
}


def read_map(path: Path) -> np.ndarray:
    """Read a map of vessel probability, of whatever program.

    Parameters
    ----------
    path
        PNG, TIFF, GIF, BMP or PGM of 8 or 16 bits, or of 1 bit; TIFF of floating point; or an NPY array. Colour or a
        palette will do where red, green and blue are equal; transparency is dropped. An NPY array may be boolean too,
        and have axes of length 1 before or behind its rows and columns.

    Returns
    -------
    numpy.ndarray
        (H, W): uint8, where v stands for probability v / 255, unless the file holds a table of its own
        (``vesselbench.data.levels.write_levels``); uint16, for v / 65535; or float32 or float64, the
        probability itself. Integers that are 0 and 1 alone are taken for labels, and become 0 and 255, or 65535.

    Raises
    ------
    UserError
        The file is missing, or no whole image or array; has colours, pages or other axes; holds numbers of a type
        without a known scale, NaN, infinity, values outside [0, 1], or one value alone; or was stored in 16 bits
        without its values being scaled up from 8.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; correct the path")
    values = _read_array(path) if path.suffix.lower() == ".npy" else _read_image(path)
    values = _one_map(values, path)
    if values.dtype.kind == "f":
        _check_probabilities(values, path)
    low, high = values.min(), values.max()
    if low == high:
        raise UserError(f"{path}: constant, every pixel is {low}; a map tells pixels apart; predict this image again")
    if values.dtype.kind == "u" and high == 1:
        return values * np.iinfo(values.dtype).max
    if values.dtype == np.uint16 and high <= 255:
        raise UserError(
            f"{path}: a 16-bit map with no value above {high}, a probability of {high / 65535:.4f}; "
            "65535 stands for 1; if these are 8-bit values, store them in 8 bits"
        )
    return values


def _read_array(path: Path) -> np.ndarray:
    try:
        with path.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise UserError(f"{path}: not a whole NPY array of numbers; write it again with numpy.save") from error


def _read_image(path: Path) -> np.ndarray:
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            pages, deep = getattr(image, "n_frames", 1), ";16" in str(image.tile)  # asked before loading empties it
            if pages == 1 and not (deep and image.mode in COLOUR):  # Pillow would cut 16 bits a channel down to 8
                values, levels = _grey(image, path), stored_levels(path)
                return values if levels is None else levels[values]
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's errors for what is no whole image
        if path.suffix.lower() in (".tif", ".tiff"):
            return _read_tiff(path)
        raise UserError(
            f"{path}: not a whole PNG, TIFF, GIF, BMP, PGM or NPY file; write it again in one of these formats"
        ) from error
    if pages > 1:
        raise UserError(f"{path}: {pages} pages or frames; a map is one; store the vessel probability alone")
    raise UserError(f"{path}: 16-bit image with more than one channel; a map has one; store it as 16-bit grey")


def _read_tiff(path: Path) -> np.ndarray:
    """Read what Pillow cannot: 16 or 64 bits of floating point."""
    try:
        return tifffile.imread(path)
    except Exception as error:  # of the many decoders, each has errors of its own
        raise UserError(
            f"{path}: not a whole TIFF file, or of a compression that cannot be read; "
            "write it again without compression, or as NPY"
        ) from error


def _grey(image: Image.Image, path: Path) -> np.ndarray:
    """Take the one channel of an image, of the type that its numbers need."""
    if image.mode in COLOUR:
        channels = np.array(image.convert("RGBA"))
        unequal = (channels[..., :1] != channels[..., 1:3]).any(axis=-1)
        if unequal.any():
            raise UserError(
                f"{path}: a colour image, channels differ at {unequal.sum()} of {unequal.size} pixels; "
                "a map is grey; store the vessel probability alone"
            )
        return channels[..., 0]
    if image.mode == "LA":
        return np.array(image)[..., 0]
    values = np.array(image)
    if image.mode == "I":  # 32 bits, as Pillow also gives for a PGM of 16
        if values.min() < 0 or values.max() > 65535:
            raise UserError(
                f"{path}: 32-bit integers from {values.min()} to {values.max()}, whose scale is unknown; "
                "8-bit maps go to 255, 16-bit ones to 65535; store it as one of these, or as floating point"
            )
        return values.astype(np.uint16)
    return values


def _one_map(values: np.ndarray, path: Path) -> np.ndarray:
    """Check type and axes; drop axes of length 1."""
    kind = TYPES.get(values.dtype.name)
    if kind is None:
        raise UserError(
            f"{path}: numbers of type {values.dtype.name}, whose scale is unknown; a map is of {', '.join(TYPES)}; "
            "convert it to floating point from 0 to 1"
        )
    shape = values.shape
    while values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    while values.ndim > 2 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 2 or not values.size:
        raise UserError(
            f"{path}: an array of shape {shape}; a map has two axes, rows and columns; "
            "store the vessel probability of one image alone"
        )
    return np.ascontiguousarray(values, kind)


def _check_probabilities(values: np.ndarray, path: Path) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise UserError(
            f"{path}: {bad.sum()} of {bad.size} values are NaN or infinite, the first at row {row}, column {column}; "
            "every pixel needs a probability; predict this image again"
        )
    low, high = values.min(), values.max()
    if low < 0 or high > 1:
        raise UserError(
            f"{path}: values from {low} to {high}; probabilities lie in [0, 1]; "
            "if these are logits, apply a sigmoid; if grey levels, divide by the one that stands for 1"
        )
