"""Photographs, label maps, masks and probability maps: the only place that reads or writes image files."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from vesselbench.config import UserError

WHITE_16_BIT = 65535
GREATEST_LOGIT = 8.5  # of an 8-bit map: probabilities from 0.0002 to 0.9998
Shape = tuple[int, int]


def read_image(path: Path) -> np.ndarray:
    """Read a photograph.

    Parameters
    ----------
    path
        Any format that Pillow reads. Grey is repeated over the three channels, transparency is dropped.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3), red, green, blue.

    Raises
    ------
    UserError
        The file is missing, or is no whole image.
    """
    return _read(path, "RGB")


def read_label(path: Path, shape: Shape | None = None) -> np.ndarray:
    """Read a binary label map as classes: 0 background, 1 vessel.

    Parameters
    ----------
    path
        An image of at most two grey levels, whichever they are: 0 and 255, 0 and 1, or the palette greys 3
        and 253 of DRIVE's second observer. The brighter of two is vessel; a single one is when above 127.
    shape
        The (H, W) of the photograph that the label belongs to, checked where given.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W) of 0 and 1.

    Raises
    ------
    UserError
        The file is missing or no whole image, has more than two grey levels, or is of another shape.
    """
    grey = _read(path, "L")
    levels = np.unique(grey)
    if len(levels) > 2:
        some = ", ".join(map(str, levels[:4]))
        raise UserError(
            f"{path}: {len(levels)} grey values ({some}, ...); a binary label has at most two, background "
            "and vessel; threshold it, and store it in a format without loss such as PNG"
        )
    threshold = levels[0] if len(levels) == 2 else 127
    return (_checked(grey, path, shape) > threshold).astype(np.uint8)


def read_classes(path: Path, classes: int, shape: Shape | None = None) -> np.ndarray:
    """Read a label map whose pixel values, or palette indices, are the classes themselves.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W), every value below ``classes``.

    Raises
    ------
    UserError
        As :func:`read_label`; or a value is not below ``classes``, or the image is not 8-bit grey or palette.
    """
    values = _read(path)
    if values.dtype != np.uint8 or values.ndim != 2:
        raise UserError(f"{path}: not an 8-bit image with one channel; store each pixel's class as its value")
    if values.max() >= classes:
        raise UserError(
            f"{path}: class {values.max()}; with {classes} classes the values are 0 to {classes - 1}; "
            "correct the label, or the number of classes"
        )
    return _checked(values, path, shape)


def read_mask(path: Path, shape: Shape | None = None) -> np.ndarray:
    """Read a field-of-view mask as bool (H, W), by the rules of :func:`read_label`."""
    return read_label(path, shape).astype(bool)


def write_mask(path: Path, mask: np.ndarray) -> None:
    """Write a bool or 0/1 array (H, W) as an 8-bit image of 0 and 255."""
    Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(path)


def read_levels(path: Path, shape: Shape | None = None) -> np.ndarray:
    """Read a probability map written by :func:`write_levels`, of either depth.

    Returns
    -------
    numpy.ndarray
        uint16 (H, W); 65535 stands for probability 1.

    Raises
    ------
    UserError
        As :func:`read_label`, or the image is not grey of 8 or 16 bits.
    """
    values = _read(path)
    if values.dtype == np.uint8 and values.ndim == 2:
        logit = (np.arange(256) / 255 * 2 - 1) * GREATEST_LOGIT
        values = np.rint(WHITE_16_BIT / (1 + np.exp(-logit))).astype(np.uint16)[values]
    if values.dtype != np.uint16:
        raise UserError(f"{path}: not a grey PNG of 8 or 16 bits; predict again to write it")
    return _checked(values, path, shape)


def write_levels(path: Path, probability: np.ndarray, bits: int = 16) -> None:
    """Write probabilities (H, W) in [0, 1] as a grey PNG, rounded to the nearest of its levels.

    Parameters
    ----------
    path
        Where to.
    probability
        Float (H, W).
    bits
        16: grey v stands for probability v / 65535. 8: for the logit (2 v / 255 - 1) * ``GREATEST_LOGIT``, and what is
        beyond goes to 0 and 255. These 256 levels lie where a network's probabilities do: no pixel crosses 0.5, and on
        DRIVE's test images the area under the ROC curve moved by less than 1e-5 for each of seven networks, in files
        less than half as large.

    Raises
    ------
    ValueError
        A value lies outside [0, 1] or is not a number.
    """
    if not np.all((probability >= 0) & (probability <= 1)):
        raise ValueError(f"{path}: probabilities must lie in [0, 1]")
    probability = probability.astype(np.float64)
    if bits == 16:
        levels = np.rint(probability * WHITE_16_BIT).astype(np.uint16)
    else:
        with np.errstate(divide="ignore"):
            logit = np.log(probability) - np.log1p(-probability)
        logit = np.clip(logit, -GREATEST_LOGIT, GREATEST_LOGIT)
        # Up from the middle: probability 0.5 itself counts as vessel.
        levels = np.floor((logit / GREATEST_LOGIT + 1) / 2 * 255 + 0.5).astype(np.uint8)
    Image.fromarray(levels).save(path)


def _read(path: Path, mode: str | None = None) -> np.ndarray:
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file; run the stage that writes it, or correct the path")
    with (
        suppress(OSError, SyntaxError),
        Image.open(path) as image,
    ):  # Pillow's errors for what is no whole image
        return np.array(image.convert(mode) if mode else image)
    raise UserError(f"{path}: not an image, or not the whole of one; fetch or write it again")


def _checked(values: np.ndarray, path: Path, shape: Shape | None) -> np.ndarray:
    if shape is not None and values.shape != tuple(shape):
        found, wanted = (f"{size[0]} x {size[1]}" for size in (values.shape, shape))
        raise UserError(
            f"{path}: {found} (rows x columns), but the image that it belongs to is {wanted}; both must be of one size"
        )
    return values
