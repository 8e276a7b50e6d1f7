"""Maps and labels that any program wrote: what their pixels say."""

import gzip
import io
import warnings
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageColor

from vesselbench.config import UserError
from vesselbench.data.images import binary_levels
from vesselbench.data.maps import LEVELS, level_of
from vesselbench.data.task import KINDS

UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, zlib.error, zipfile.BadZipFile, Image.DecompressionBombError)
FORMATS = ("PNG", "TIFF", "GIF", "BMP", "PPM")  # Pillow's names, PPM for PGM too; no JPEG, which changes the values
GREY = ("1", "L", "I", "F")  # Pillow's modes of one channel, by their part before a semicolon
TYPES = ("bool", "uint8", "uint16", "float16", "float32", "float64")  # of numbers whose scale is known
ROUNDING = 1e-5  # a share of the scale by which programs pass its ends
MOST_COLOURS = 16  # of a label whose classes are colours
CLEAR = -1  # the number of what is transparent, among colours 0xrrggbb
Colours = Mapping[str, tuple[int, ...]]  # of each of ``task.KINDS`` red, green and blue
COLOURS: Colours = dict(zip(KINDS, map(ImageColor.getrgb, ("black", "red", "blue", "lime", "white")), strict=True))


def read_foreign_maps(paths: Sequence[Path]) -> tuple[list[np.ndarray], list[str]]:
    """Read the maps of vessel probability of one folder, that any program wrote, with notes on doubtful scales.

    A map may be PNG, TIFF, GIF, BMP or PGM of 8 or 16 bits, or of 1 bit; TIFF of floating point; or an NPY array, also
    alone in an NPZ. Colour or a palette will do where red, green and blue are equal; transparency is dropped. An array
    may be boolean too, and have axes of length 1 before or behind its rows and columns. Floating point may be
    probabilities or percent, the same in all maps. UserError for anything else, for one value alone, and for 8-bit
    values in 16 bits.

    The maps are (H, W) each: uint16, 65535 for probability 1, where the file holds integers (8 bits v become 257 v,
    labels of 0 and 1 become 0 and 65535); else floating-point probabilities, which ``share_levels`` brings to 16 bits.
    """
    maps, notes, white = {path: _read_map(path) for path in paths}, [], 1
    tops = [own.max() for own in maps.values() if own.dtype.kind == "f"]
    if tops and min(tops) > 1 + ROUNDING and 50 < max(tops) <= 100 * (1 + ROUNDING):
        white, notes = 100, [f"floating point with values up to {max(tops)}: taken as percent"]
    top = max((own.max() for own in maps.values() if own.dtype == np.uint8), default=0)
    if 1 < top <= 100:
        scale = "255 is taken as probability 1; if these are percent, divide by 100 and store floating point"
        notes.append(f"no 8-bit map exceeds {top}, a probability of {top / 255:.4f}: {scale}")
    return [_scaled(own, path, white) for path, own in maps.items()], notes


def _read_map(path: Path) -> np.ndarray:
    values = _read_file(path)
    if _is_rgba(values):
        unequal = (values[..., :1] != values[..., 1:3]).any(axis=-1)
        if unequal.any():
            fault = f"channels differ at {unequal.sum()} of {unequal.size} pixels"
            raise UserError(f"{path}: a colour image, {fault}; a map is grey; store the vessel probability alone")
        values = values[..., 0]
    values = _one_channel(values, path)
    if (kind := values.dtype.name) not in TYPES:
        fault = f"numbers of type {kind}, whose scale is unknown; a map is of {', '.join(TYPES)}"
        raise UserError(f"{path}: {fault}; convert it to floating point from 0 to 1")
    if values.min() == values.max():
        fault = f"constant, every pixel is {values.flat[0]}"
        raise UserError(f"{path}: {fault}; a map tells pixels apart; predict this image again")
    return values


def _scaled(values: np.ndarray, path: Path, white: int) -> np.ndarray:
    """Bring integers to 16 bits, and floating point, where ``white`` stands for probability 1, to probabilities."""
    low, top = values.min(), values.max()
    if values.dtype.kind == "f":
        if low < -ROUNDING * white or top > (1 + ROUNDING) * white:
            fix = "if these are logits, apply a sigmoid; if grey levels, divide by the one that stands for 1"
            raise UserError(f"{path}: values from {low} to {top}; probabilities lie in [0, 1]; {fix}")
        return (values / white).clip(0, 1)
    if values.dtype == np.uint16 and 1 < top <= 255:
        fault = f"no value above {top}, a probability of {top / 65535:.4f}"
        raise UserError(f"{path}: {fault}; in 16 bits 65535 stands for 1; store 8-bit values in 8 bits")
    white = 1 if top == 1 else np.iinfo(values.dtype).max
    return values.astype(np.uint16) * np.uint16((LEVELS - 1) // white)


def read_foreign_labels(paths: Sequence[Path], mask: bool = False) -> tuple[list[np.ndarray], list[str]]:
    """Read truths, or masks, that any program wrote, bool (H, W) each, with notes on those that are doubtful.

    Of two values the brighter is vessel, or the eye, of whichever type they are; a single one is unless it is 0. Of a
    few colours the most frequent is background, or in a mask that of the corners; what is transparent is background
    too. UserError where a file is missing, no whole image or array, or has pages, other axes, NaN, or more than two
    grey levels, two degrees of transparency or 16 colours.
    """
    labels, said = [], defaultdict(list)  # note -> the files of which it is said
    for path in paths:
        values = _read_file(path)
        if _is_rgba(values):
            values, note = _by_colour(values, path, mask)
            if note:
                said[note].append(path)
        values = _one_channel(values, path)
        levels = binary_levels(values, path)
        labels.append(values > levels[0] if len(levels) == 2 else values != 0)
    return labels, [f"{found[0]} ({len(found)} of {len(paths)} files): {note}" for note, found in said.items()]


def _by_colour(pixels: np.ndarray, path: Path, mask: bool) -> tuple[np.ndarray, str]:
    """Bring a label of red, green, blue and alpha, uint8 (H, W, 4), to one channel (H, W), with a note."""
    colours, alpha = pixels[..., :3], pixels[..., 3]
    levels = binary_levels(alpha, path, "degrees of transparency")
    if len(levels) == 1 and (colours == colours[..., :1]).all():
        return colours[..., 0], ""
    numbers = colours @ np.array([1 << 16, 1 << 8, 1])  # 0xrrggbb
    numbers[alpha < levels[-1]] = CLEAR
    names = {number: f"#{number:06x}" if number != CLEAR else "transparency" for number in np.unique(numbers).tolist()}
    if len(names) > MOST_COLOURS:
        rule = f"a label has at most {MOST_COLOURS}, one a class, and no smooth edges; draw it without"
        raise UserError(f"{path}: {len(names)} colours; {rule}, and store it in a format without loss such as PNG")
    found, counts = np.unique(numbers[[0, 0, -1, -1], [0, -1, 0, -1]] if mask else numbers, return_counts=True)
    background = CLEAR if CLEAR in names and len(names) == 2 else int(found[counts.argmax()])
    some = ", ".join(name for number, name in names.items() if number not in (background, CLEAR))
    note = f"colours: {names[background]} is taken as background, {some} as {'the eye' if mask else 'vessel'}"
    return (numbers != background) & (numbers != CLEAR), note


def parse_colours(text: str) -> Colours:
    """Read ``--colours``, such as ``crossing=white,uncertain=green``; what it leaves out is as in ``COLOURS``."""
    with suppress(ValueError):
        pairs = [part.strip().lower().split("=") for part in text.split(",")] if text else []
        given = {kind: ImageColor.getrgb("lime" if name == "green" else name)[:3] for kind, name in pairs}
        colours = COLOURS | given
        if len(given) == len(pairs) and len(colours) == len({*colours.values()}) == len(COLOURS):
            return colours
    rule = f"KIND=COLOUR,... of the kinds {', '.join(KINDS)}, each once and with a colour of its own, as red or #rrggbb"
    raise UserError(f"--colours is {text!r}; it must be {rule}")


def read_foreign_kinds(paths: Sequence[Path], colours: Colours) -> tuple[list[np.ndarray], list[str]]:
    """Read labels or maps of arteries and veins in colours as classes, uint8 (H, W), numbered as ``task.KINDS``.

    Up to one pixel in a thousand may have another colour, and is taken as the nearest, with a note: that of a kind, or
    the sum of those of two, such as magenta, which is a crossing. What is transparent is background. UserError where
    more pixels have, there is no colour, no artery or no vein, or the file is missing or no whole image.
    """
    known = {tuple(np.maximum(colours[one], colours[two])): "crossing" for one, two in combinations(KINDS[1:4], 2)}
    known |= {own: kind for kind, own in colours.items()}
    classes = np.array([*map(KINDS.index, known.values())], np.uint8)
    rule = "kinds have colours, " + ", ".join(f"{kind} #{bytes(own).hex()}" for kind, own in colours.items())
    rule += "; name others by --colours, or give two maps an image, <stem>_artery.png and <stem>_vein.png"
    maps, odd = [], []
    for path in paths:
        values = _read_file(path)
        if not _is_rgba(values) or (values[..., :3] == values[..., :1]).all():
            raise UserError(f"{path}: no colour; {rule}")
        values[values[..., 3] < 128] = (*colours["background"], 255)
        found, places, counts = np.unique(values.view(np.uint32), return_inverse=True, return_counts=True)
        found = found.view(np.uint8).reshape(-1, 4)[:, :3]
        counts *= [tuple(own) not in colours.values() for own in found.tolist()]  # what is left is odd
        some = f"{path}: {counts.sum()} of {places.size} pixels have other colours"
        if 1000 * counts.sum() > places.size:
            most = f"{counts.max()} of them #{bytes(found[counts.argmax()]).hex()}"
            raise UserError(f"{some}, {most}; {rule}; store it without loss, as PNG")
        odd += [some] * bool(counts.any())
        nearest = np.square(found[:, None] - np.array([*known])).sum(axis=2).argmin(axis=1)
        maps.append(classes[nearest][places].reshape(values.shape[:2]))
        if absent := [kind for kind in ("artery", "vein") if KINDS.index(kind) not in maps[-1]]:
            raise UserError(f"{path}: no {absent[0]}; {rule}")
    return maps, [f"{some} ({len(odd)} of {len(paths)} files): taken as the nearest" for some in odd[:1]]


def _is_rgba(values: np.ndarray) -> bool:
    return values.dtype == np.uint8 and values.shape[2:] == (4,)


def share_levels(maps: Sequence[np.ndarray], thresholds: Sequence[float]) -> list[np.ndarray]:
    """Bring maps that are scored together to 16 bits, those of floating point by one rule for all of them.

    The maps, (H, W) each, come from ``read_foreign_maps`` and become uint16, 65535 for probability 1. They will be
    counted at the ``thresholds``, and always at k / 255.

    Where they hold few enough values, each becomes the level nearest to it. Else levels are quantiles of all pixels
    between one threshold and the next, so that a network that is nearly sure of most pixels still has them told apart:
    the area under the ROC curve moves by less than 2e-6. At the thresholds nothing moves: ``p >= t`` is
    ``level >= level_of(t)``.
    """
    if all(own.dtype == np.uint16 for own in maps):
        return [*maps]
    kind = np.result_type(np.float32, *(own.dtype for own in maps))
    maps = [(own / (LEVELS - 1)).astype(kind) if own.dtype == np.uint16 else own.astype(kind) for own in maps]
    pixels = np.sort(np.concatenate([own.ravel() for own in maps]))
    values = np.unique(pixels)
    levels = np.rint(values.astype(np.float64) * (LEVELS - 1))
    if np.unique(levels).size < values.size:
        bounds = np.unique(np.append(np.arange(256) / 255, thresholds))
        first = level_of(bounds)
        starts = np.append(np.searchsorted(pixels, bounds.astype(kind)), pixels.size)
        parts = []
        for at, room, start, end in zip(first, np.diff(first, append=LEVELS), starts[:-1], starts[1:], strict=True):
            if end > start:
                lowest = np.unique(pixels[np.linspace(start, end - 1, room).astype(np.int64)])
                parts.append((lowest, at + np.arange(lowest.size)))
        values, levels = (np.concatenate(part) for part in zip(*parts, strict=True))
    return [levels[np.searchsorted(values, own, side="right") - 1].astype(np.uint16) for own in maps]


def _read_file(path: Path) -> np.ndarray:
    """Read an array as it is; of an image the grey pixels, (H, W), or uint8 (H, W, 4) of red, green, blue and alpha."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; correct the path")
    ending = path.suffix.lower()
    try:
        if ending in (".npy", ".npz"):
            with path.open("rb") as file:
                found = np.load(file, allow_pickle=False)
                (values,) = [found] if isinstance(found, np.ndarray) else found.values()
                return values
        file = io.BytesIO(gzip.decompress(path.read_bytes())) if ending == ".gz" else path
        with warnings.catch_warnings(action="ignore"), Image.open(file, formats=FORMATS) as image:
            pages, deep = getattr(image, "n_frames", 1), ";16" in str(image.tile)  # asked before loading empties it
            grey = image.mode.partition(";")[0] in GREY
            layered = image.mode in ("1", "L") and image.has_transparency_data
            if pages == 1 and grey and not layered:
                values = np.array(image)
                fits = image.mode == "I" and values.min() >= 0 and values.max() < LEVELS  # 32 bits, as of a PGM of 16
                return values.astype(np.uint16) if fits else values
            if pages == 1 and not deep:  # Pillow would cut 16 bits a channel down to 8
                return np.array(image.convert("RGBA"))
    except UNREADABLE as error:
        with suppress(Exception):  # each of tifffile's decoders has errors of its own
            if ending in (".tif", ".tiff"):
                return tifffile.imread(path)  # 16 or 64 bits of floating point, which Pillow does not know
        raise UserError(
            f"{path}: not a whole PNG, TIFF, GIF, BMP, PGM, NPY or NPZ file of one image of at most "
            f"{2 * Image.MAX_IMAGE_PIXELS:,} pixels, or of a compression that cannot be read; write it again"
        ) from error
    fault = f"{pages} pages or frames" if pages > 1 else "16-bit image with more than one channel"
    raise UserError(f"{path}: {fault}; a map or label has one; store it alone, as grey")


def _one_channel(values: np.ndarray, path: Path) -> np.ndarray:
    """Check axes and numbers, and drop axes of length 1; booleans become 0 and 1."""
    shape = values.shape
    while values.ndim > 2 and 1 in (values.shape[0], values.shape[-1]):
        values = values[0] if values.shape[0] == 1 else values[..., 0]
    if values.ndim != 2 or not values.size or values.dtype.kind not in "biuf":
        rule = "an image has two axes, rows and columns, of real numbers; store one image alone"
        raise UserError(f"{path}: an array of shape {shape} and type {values.dtype}; {rule}")
    if len(bad := np.argwhere(~np.isfinite(values))):
        row, column = bad[0]
        fault = f"{len(bad)} of {values.size} values are NaN or infinite, the first at row {row}, column {column}"
        raise UserError(f"{path}: {fault}; every pixel needs a number; write this file again")
    return values.astype(np.uint8) if values.dtype == bool else values
