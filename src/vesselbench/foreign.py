"""Probability maps that any program wrote: which files belong to one image, and what their pixels say."""

import re
import warnings
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.maps import LEVELS, level_of

IMAGES = (".png", ".tif", ".tiff", ".gif", ".bmp", ".pgm", ".ppm")  # no .jpg: photographs lie beside labels as such
MAPS = (*IMAGES, ".npy")
PATTERN = r"--pattern, a regular expression whose one group is the id, such as '^(\d+)_(?:test|manual1)'"
FORMATS = ("PNG", "TIFF", "GIF", "BMP", "PPM")  # Pillow's names, PPM for PGM too; no JPEG, which changes the values
COLOUR = ("RGB", "RGBX", "RGBA", "P", "PA", "LA")  # Pillow's modes whose channels may still be equal
TYPES = ("bool", "uint8", "uint16", "float16", "float32", "float64")  # of numbers whose scale is known
Rules = dict[str, re.Pattern[str]]
RULES: Rules = {  # how ids are found in names without their endings, each the one group of an expression
    "name": re.compile("(?s)(.+)"),
    "leading id": re.compile(r"^(?=[^\W_]*\d)([^\W_]+)"),  # letters and digits, one digit at least
}


class Match(NamedTuple):
    """The files of one image; ``id`` is taken from the truth's name, ``fov`` is None where no masks are given."""

    id: str
    prediction: Path
    truth: Path
    fov: Path | None


def match(predictions: Path, truth: Path, fov: Path | None, pattern: str | None) -> tuple[list[Match], list[str]]:
    """Find the truth, and the mask, of every map of a folder: the matches, sorted by id, and notes for a person.

    Two folders are matched by one rule, the first by which each map finds exactly one file: equal names but for their
    endings; else equal leading ids, the letters and digits up to the first other character, a digit among them
    (``01_test.png`` and ``01_manual1.gif`` are both ``01``; ``Image_01L.png`` has none). A pattern takes the place
    of both rules, in every folder: a regular expression whose one group is the id, searched in the names without their
    endings. Files without an id belong to no image; files that are no images, hidden ones and folders are passed over.

    Raises
    ------
    UserError
        A folder is missing, holds no images or is given twice; a map has no truth or no mask, or more than one; two
        maps are of one image; or the pattern is none, or has not one group.
    """
    rules = RULES if pattern is None else {"pattern": _compile(pattern)}
    maps = _list_files(predictions, MAPS)
    truths, notes = _pair(maps, _list_files(truth, IMAGES, predictions), rules, "truth")
    masks, more = _pair(maps, _list_files(fov, IMAGES, predictions, truth), rules, "mask") if fov else ({}, [])
    last = [*rules.values()][-1]  # the pattern; else the leading id, where all truths have one of their own
    ids = {path: _find_id(last, path) for path in truths.values()}
    if None in ids.values() or len({*ids.values()}) < len(ids):
        ids = {path: path.stem for path in ids}
    return sorted(Match(ids[truths[path]], path, truths[path], masks.get(path)) for path in maps), notes + more


def _pair(maps: list[Path], others: list[Path], rules: Rules, kind: str) -> tuple[dict[Path, Path], list[str]]:
    """Give each map its file by the first rule by which all have one, and the notes; else say why none does."""
    failures = []
    for name, rule in rules.items():
        groups = defaultdict(lambda: ([], []))
        for side, paths in enumerate((maps, others)):
            for path in paths:
                groups[_find_id(rule, path) or path][side].append(path)  # a file without an id belongs to itself alone
        pairs = {key: pair for key, pair in groups.items() if all(pair)}
        lonely, unused = ([path for pair in groups.values() if not all(pair) for path in pair[side]] for side in (0, 1))
        double = [(key, files) for key, pair in pairs.items() for files in pair if len(files) > 1]
        if not double and not lonely:
            found = {own: other for (own,), (other,) in pairs.values()}
            notes = [f"{len(unused)} of {len(others)} {kind}s have no prediction: {_some(unused)}"] if unused else []
            if name == "leading id":
                notes.append(f"{kind}s matched by {name}, as {maps[0].name} with {found[maps[0]].name}")
            return found, notes
        failures.append((len(maps) - len(lonely), double, lonely, unused))
    # What comes closest tells most: some files found and no id twice, then the number found.
    _, double, lonely, unused = max(failures, key=lambda failure: (failure[0] > 0 and not failure[1], failure[0]))
    fix = "correct the pattern" if "pattern" in rules else f"rename them, or give {PATTERN}"
    if double:
        key, (first, second, *_) = double[0]
        only = f"an image has one prediction and one {kind}"
        raise UserError(f"{first} and {second.name} both have the id {key}; {only}; {fix}")
    raise UserError(
        f"{maps[0].parent}: {len(lonely)} of {len(maps)} predictions have no {kind} in {others[0].parent}: "
        f"{_some(lonely)}; {kind}s without prediction: {_some(unused) or 'none'}; names, leading ids or what the "
        f"pattern finds must be equal; add what is missing, remove the predictions, or {fix}"
    )


def _find_id(rule: re.Pattern[str], path: Path) -> str | None:
    found = rule.search(path.stem)
    return (found[1] or None) if found else None


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UserError(f"pattern is {pattern!r}, no regular expression: {error}; correct it") from error
    if compiled.groups != 1:
        rule = "it needs one, the id, as in '^(\\d+)_'; write other groups as (?:...)"
        raise UserError(f"pattern is {pattern!r}, with {compiled.groups} groups; {rule}")
    return compiled


def _list_files(folder: Path, endings: Sequence[str], *taken: Path) -> list[Path]:
    """List a folder's images by name; ``taken`` are folders that it must not be, or files would match themselves."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; correct the path")
    if folder.resolve() in [path.resolve() for path in taken]:
        raise UserError(f"{folder}: given twice; predictions, truth and masks each need a folder of their own")
    there = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    files = [path for path in there if path.suffix.lower() in endings]
    if not files:
        raise UserError(
            f"{folder}: none of its files ({_some(there) or 'it has none'}) ends in {', '.join(endings)}; "
            "correct the path, or store the images in one of these formats"
        )
    return files


def _some(paths: Sequence[Path]) -> str:
    return ", ".join([path.name for path in paths[:3]] + ["..."] * (len(paths) > 3))


def read_foreign_map(path: Path) -> np.ndarray:
    """Read a map of vessel probability that any program wrote.

    It may be PNG, TIFF, GIF, BMP or PGM of 8 or 16 bits, or of 1 bit; TIFF of floating point; or an NPY array. Colour
    or a palette will do where red, green and blue are equal; transparency is dropped. An NPY array may be boolean too,
    and have axes of length 1 before or behind its rows and columns.

    Returns
    -------
    numpy.ndarray
        (H, W): uint16, 65535 for probability 1, where the file holds integers (8 bits v become 257 v, labels of 0 and
        1 become 0 and 65535); else the floating-point probabilities, which ``share_levels`` brings to 16 bits.

    Raises
    ------
    UserError
        The file is missing, or no whole image or array; has colours, pages or other axes; holds numbers of a type
        without a known scale, NaN, infinity, values outside [0, 1] or one value alone; or 8-bit values in 16 bits.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; correct the path")
    values = _one_channel(_read_file(path), path)
    if len(bad := np.argwhere(~np.isfinite(values))):
        fault = "{} of {} values are NaN or infinite, the first at row {}, column {}"
        fault = fault.format(len(bad), values.size, *bad[0])
        raise UserError(f"{path}: {fault}; every pixel needs a probability; predict this image again")
    low, high = values.min(), values.max()
    if values.dtype.kind == "f" and (low < 0 or high > 1):
        fix = "if these are logits, apply a sigmoid; if grey levels, divide by the one that stands for 1"
        raise UserError(f"{path}: values from {low} to {high}; probabilities lie in [0, 1]; {fix}")
    if low == high:
        raise UserError(f"{path}: constant, every pixel is {low}; a map tells pixels apart; predict this image again")
    if values.dtype.kind == "f":
        return values
    if values.dtype == np.uint16 and 1 < high <= 255:
        fault = f"no value above {high}, a probability of {high / 65535:.4f}"
        raise UserError(f"{path}: {fault}; in 16 bits 65535 stands for 1; store 8-bit values in 8 bits")
    scale = LEVELS - 1 if high == 1 else 257 if values.dtype == np.uint8 else 1
    return values.astype(np.uint16) * np.uint16(scale)


def share_levels(maps: Sequence[np.ndarray], thresholds: Sequence[float]) -> list[np.ndarray]:
    """Bring maps that are scored together to 16 bits, those of floating point by one rule for all of them.

    The maps, (H, W) each, come from ``read_foreign_map`` and become uint16, 65535 for probability 1. They will be
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
    if path.suffix.lower() == ".npy":
        try:
            with path.open("rb") as file:
                return np.lib.format.read_array(file, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise UserError(f"{path}: not a whole NPY array of numbers; write it again with numpy.save") from error
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            pages, deep = getattr(image, "n_frames", 1), ";16" in str(image.tile)  # asked before loading empties it
            if pages == 1 and not (deep and image.mode in COLOUR):  # Pillow would cut 16 bits a channel down to 8
                return _grey(image, path)
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's errors for what is no whole image
        with suppress(Exception):  # each of tifffile's decoders has errors of its own
            if path.suffix.lower() in (".tif", ".tiff"):
                return tifffile.imread(path)  # 16 or 64 bits of floating point, which Pillow does not know
        raise UserError(
            f"{path}: not a whole PNG, TIFF, GIF, BMP, PGM or NPY file, or of a compression that cannot be read; "
            "write it again in one of these formats"
        ) from error
    fault = f"{pages} pages or frames" if pages > 1 else "16-bit image with more than one channel"
    raise UserError(f"{path}: {fault}; a map has one; store the vessel probability alone, as 16-bit grey")


def _grey(image: Image.Image, path: Path) -> np.ndarray:
    """Take the one channel of an image, of the type that its numbers need."""
    if image.mode not in COLOUR:
        values = np.array(image)
        fits = image.mode == "I" and values.min() >= 0 and values.max() < LEVELS  # 32 bits, as of a PGM of 16
        return values.astype(np.uint16) if fits else values
    channels = np.array(image.convert("RGBA"))
    unequal = (channels[..., :1] != channels[..., 1:3]).any(axis=-1)
    if unequal.any():
        fault = f"channels differ at {unequal.sum()} of {unequal.size} pixels"
        raise UserError(f"{path}: a colour image, {fault}; a map is grey; store the vessel probability alone")
    return channels[..., 0]


def _one_channel(values: np.ndarray, path: Path) -> np.ndarray:
    """Check type and axes, and drop axes of length 1."""
    if (kind := values.dtype.name) not in TYPES:
        fault = f"numbers of type {kind}, whose scale is unknown; a map is of {', '.join(TYPES)}"
        raise UserError(f"{path}: {fault}; convert it to floating point from 0 to 1")
    shape = values.shape
    while values.ndim > 2 and 1 in (values.shape[0], values.shape[-1]):
        values = values[0] if values.shape[0] == 1 else values[..., 0]
    if values.ndim != 2 or not values.size:
        rule = "a map has two axes, rows and columns; store the vessel probability of one image alone"
        raise UserError(f"{path}: an array of shape {shape}; {rule}")
    return values.astype(np.uint8) if kind == "bool" else values
