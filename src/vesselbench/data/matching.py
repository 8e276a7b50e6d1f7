"""Which files of two or three folders belong to one image, by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from vesselbench.config import UserError

IMAGES = (".png", ".tif", ".tiff", ".gif", ".bmp", ".pgm", ".ppm")  # no .jpg: photographs lie beside labels as such
MAPS = (*IMAGES, ".npy")
PATTERN = r"--pattern, a regular expression whose one group is the id, such as '^(\d+)_(?:test|manual1)'"
Name = Callable[[Path], str | None]  # the id that a file's name holds; None: it holds none
_stem = attrgetter("stem")


@dataclass(frozen=True)
class Match:
    """The files of one image.

    Attributes
    ----------
    id
        Taken from the truth's name, so that sets of maps named otherwise give the same ids.
    prediction, truth
        Paths of the map and of the label.
    fov
        Path of the field-of-view mask; None where there is no folder of these.
    """

    id: str
    prediction: Path
    truth: Path
    fov: Path | None


@dataclass(frozen=True)
class Matches:
    """The images of a folder of maps.

    Attributes
    ----------
    pairs
        One a map, sorted by id.
    notes
        What a person should be told: truths and masks that no map belongs to, and names that agree in part only.
    """

    pairs: list[Match]
    notes: list[str]


def match(predictions: Path, truth: Path, fov: Path | None = None, pattern: str | None = None) -> Matches:
    """Find the truth, and the mask, of every map of a folder.

    Two folders are matched by one rule, the first by which each map finds exactly one file: equal names but for their
    endings; else equal leading ids, the letters and digits up to the first other character, a digit among them
    (``01_test.png`` and ``01_manual1.gif`` are both ``01``; ``Image_01L.png`` has none). A pattern takes the place
    of both rules, in every folder; files in whose name it is not found belong to no image.

    Parameters
    ----------
    predictions, truth, fov
        Folders. Files that are no images are passed over, as are hidden ones and folders inside.
    pattern
        A regular expression with one group, which is the id; searched in the names without their endings.

    Raises
    ------
    UserError
        A folder is missing, holds no images or is given twice; a map has no truth or no mask, or more than one; two
        maps are of one image; or the pattern is none, or has not one group.
    """
    rules = {"pattern": _by_pattern(pattern)} if pattern is not None else {"name": _stem, "leading id": _leading}
    maps = _files(predictions, MAPS)
    truths, notes = _pair(maps, _files(truth, IMAGES, predictions), rules, "truth")
    masks = {}
    if fov is not None:
        masks, more = _pair(maps, _files(fov, IMAGES, predictions, truth), rules, "mask")
        notes += more
    ids = _ids([*truths.values()], rules)
    pairs = [Match(ids[truths[path]], path, truths[path], masks.get(path)) for path in maps]
    return Matches(sorted(pairs, key=lambda pair: pair.id), notes)


def _pair(
    maps: Sequence[Path], others: Sequence[Path], rules: dict[str, Name], kind: str
) -> tuple[dict[Path, Path], list[str]]:
    """Give each map its file by the first rule by which all have one, and the notes; else say why none does."""
    failures = []
    for rule, name in rules.items():
        own, theirs = _grouped(maps, name), _grouped(others, name)
        double = [(key, files) for key in own if key in theirs for files in (own[key], theirs[key]) if len(files) > 1]
        lonely = [path for path in maps if name(path) not in theirs]
        unused = [path for path in others if name(path) not in own]
        if not double and not lonely:
            found = {path: theirs[name(path)][0] for path in maps}
            notes = [f"{len(unused)} of {len(others)} {kind}s have no prediction: {_some(unused)}"] if unused else []
            if rule == "leading id":
                notes.append(f"{kind}s matched by {rule}, as {maps[0].name} with {found[maps[0]].name}")
            return found, notes
        failures.append((len(maps) - len(lonely), double, lonely, unused))
    # What comes closest tells most: some files found and no id twice, then the number found.
    matched, double, lonely, unused = max(failures, key=lambda failure: (failure[0] > 0 and not failure[1], failure[0]))
    fix = "correct the pattern" if "pattern" in rules else f"rename them, or give {PATTERN}"
    folder, other = maps[0].parent, others[0].parent
    if not matched:
        rule = "the pattern must find one id in both" if "pattern" in rules else "names or leading ids must be equal"
        raise UserError(
            f"no {kind} in {other} ({_some(others)}) matches a map in {folder} ({_some(maps)}); {rule}; {fix}"
        )
    if double:
        key, files = double[0]
        raise UserError(
            f"{files[0]} and {files[1].name} both have the id {key}; an image has one prediction and one {kind}; {fix}"
        )
    without = f"; {kind}s without prediction: {_some(unused)}" if unused else ""
    raise UserError(
        f"{folder}: {len(lonely)} of {len(maps)} predictions have no {kind} in {other}: {_some(lonely)}{without}; "
        f"each needs one; add it, remove the prediction, or {fix}"
    )


def _grouped(paths: Sequence[Path], name: Name) -> dict[str, list[Path]]:
    groups = defaultdict(list)
    for path in paths:
        if (key := name(path)) is not None:
            groups[key].append(path)
    return groups


def _leading(path: Path) -> str | None:
    start = re.match(r"[^\W_]+", path.stem)
    return start[0] if start and re.search(r"\d", start[0]) else None


def _by_pattern(pattern: str) -> Name:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UserError(f"pattern is {pattern!r}, no regular expression: {error}; correct it") from error
    if compiled.groups != 1:
        raise UserError(
            f"pattern is {pattern!r}, with {compiled.groups} groups; it needs one, the id, as in '^(\\d+)_'; "
            "write other groups as (?:...)"
        )

    def name(path: Path) -> str | None:
        place = compiled.search(path.stem)
        return place[1] or None if place else None

    return name


def _ids(truths: Sequence[Path], rules: dict[str, Name]) -> dict[Path, str]:
    """Give each truth its id: by the pattern; else its leading id where all have one of their own; else its name."""
    name = [*rules.values()][-1]
    ids = {path: name(path) for path in truths}
    whole = None not in ids.values() and len({*ids.values()}) == len(ids)
    return ids if whole else {path: path.stem for path in truths}


def _files(folder: Path, endings: Sequence[str], *taken: Path) -> list[Path]:
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
