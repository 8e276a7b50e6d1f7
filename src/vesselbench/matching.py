"""Which files belong to one image: the map, truth and mask of each, found by their names."""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from vesselbench.config import UserError

ENDINGS = (".png", ".tif", ".tiff", ".gif", ".bmp", ".pgm", ".ppm", ".npy", ".npz", ".pgm.gz", ".ppm.gz")  # no .jpg
PATTERN = r"--pattern, a regular expression whose one group is the id, such as '(\d+[LR])'"
OBSERVERS = r"; of two observers choose one by --truth-pattern, such as '(\d+[LR])_1stHO'"
Regex = str | None
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


class _Folder(NamedTuple):
    path: Path
    files: list[Path]
    rules: Rules
    ending: str = ""  # of stems, which is no part of an id

    def by_id(self, rule: str) -> dict[str | Path, list[Path]]:
        """The files of each id by one rule; a file without an id stands alone, under its own path."""
        found = defaultdict(list)
        for path in self.files:
            found[_find_id(self.rules[rule], path, self.ending) or path].append(path)
        return dict(found)


def match(
    predictions: Path, truth: Path, fov: Path | None, pattern: Regex, truth_pattern: Regex = None, kinds: bool = False
) -> tuple[list[Match], list[str]]:
    """Find the truth, and the mask, of every map of a folder: the matches, sorted by id, and notes for a person.

    Two folders are matched by one rule, the first by which each map finds exactly one file: equal names but for their
    endings; else equal leading ids, the letters and digits up to the first other character, a digit among them
    (``01_test.png`` and ``01_manual1.gif`` are both ``01``; ``Image_01L.png`` has none). A pattern takes the place
    of both rules, in every folder: a regular expression whose one group is the id, searched in the names without their
    endings. A truth pattern does so for the truths alone, and passes over those in which it finds nothing.

    Files without an id belong to no image; files that are no images, hidden ones, ``__MACOSX`` and what lies in another
    of the folders are passed over. UserError where a folder is missing, holds no images or is given twice; a map has no
    truth or no mask, or more than one; two maps are of one image; or a pattern is none, has not one group or finds
    nothing.
    """
    rules = RULES if pattern is None else {"pattern": _compile("--pattern", pattern)}
    folders = [folder for folder in (predictions, truth, fov) if folder]
    maps, truths, *masks = (_Folder(folder, _list_files(folder, folders), rules) for folder in folders)
    if truth_pattern is not None:
        rule = _compile("--truth-pattern", truth_pattern)
        chosen = [path for path in truths.files if _find_id(rule, path)]
        if not chosen:
            fault = f"--truth-pattern {truth_pattern!r} finds no id in {_some(truths.files)}"
            raise UserError(f"{truth}: {fault}; correct it")
        truths = _Folder(truth, chosen, dict.fromkeys(rules, rule))
    maps, notes = _keep_arteries(maps) if kinds else (maps, [])
    found, of_truths = _pair(maps, truths, "truth")
    covers, of_masks = _pair(maps, masks[0], "mask") if masks else ({}, [])
    last = [*truths.rules.values()][-1]  # a pattern; else the leading id, where all truths have one of their own
    ids = {path: _find_id(last, path) for path in found.values()}
    if None in ids.values() or len({*ids.values()}) < len(ids):
        ids = {path: stem_of(path) for path in ids}
    pairs = sorted(Match(ids[found[path]], path, found[path], covers.get(path)) for path in maps.files)
    return pairs, notes + of_truths + of_masks


def _pair(maps: _Folder, others: _Folder, kind: str) -> tuple[dict[Path, Path], list[str]]:
    """Give each map its file by the first rule by which all have one, and the notes; else say why none does."""
    failures = []
    for rule in maps.rules:
        own, other = maps.by_id(rule), others.by_id(rule)
        found = {own[key][0]: other[key][0] for key in own if len(own[key]) == len(other.get(key, [])) == 1}
        unused = [path for key in other if key not in own for path in other[key]]
        if len(found) == len(maps.files):
            notes = []
            if unused:
                notes.append(f"{len(unused)} of {len(others.files)} {kind}s have no prediction: {_some(unused)}")
            if rule == "leading id":
                notes.append(f"{kind}s matched by {rule}, as {maps.files[0].name} with {found[maps.files[0]].name}")
            return found, notes
        lonely = [path for key in own if key not in other for path in own[key]]
        double = [(key, files[key]) for key in own if key in other for files in (own, other) if len(files[key]) > 1]
        failures.append((len(found), double, lonely, unused))
    _, double, lonely, unused = max(reversed(failures), key=itemgetter(0))  # what comes closest tells most
    fix = "correct the pattern" if "pattern" in maps.rules else f"rename them, or give {PATTERN}"
    fix += OBSERVERS if kind == "truth" else ""
    if double:
        key, (first, second, *_) = double[0]
        only = f"an image has one prediction and one {kind}"
        raise UserError(f"{first} and {second} both have the id {key}; {only}; remove one, or {fix}")
    raise UserError(
        f"{maps.path}: {len(lonely)} of {len(maps.files)} predictions have no {kind} in {others.path}: "
        f"{_some(lonely)}; {kind}s without prediction: {_some(unused) or 'none'}; names, leading ids or what the "
        f"pattern finds must be equal; add what is missing, remove the predictions, or {fix}"
    )


def vein_of(path: Path) -> Path:
    """Give the map of veins beside one of arteries, ``<stem>_artery.png``; of any other file itself."""
    return path.with_name(path.name.replace("_artery.", "_vein."))


def _keep_arteries(maps: _Folder) -> tuple[_Folder, list[str]]:
    """Of two maps an image keep that of arteries, and note what is neither; where there are none, keep all."""
    arteries = [path for path in maps.files if vein_of(path) != path]
    rest = sorted({*maps.files}.difference(arteries, map(vein_of, arteries))) if arteries else []
    notes = [f"{len(rest)} files are no maps of artery and vein, and passed over: {_some(rest)}"] if rest else []
    return (maps._replace(files=arteries, ending="_artery") if arteries else maps), notes


def stem_of(path: Path) -> str:
    """Give a file's name without its ending, and without both of ``.ppm.gz``."""
    return Path(path.stem).stem if path.suffix.lower() == ".gz" else path.stem


def _find_id(rule: re.Pattern[str], path: Path, ending: str = "") -> str | None:
    found = rule.search(stem_of(path).removesuffix(ending))
    return (found[1] or None) if found else None


def _compile(option: str, pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UserError(f"{option} is {pattern!r}, no regular expression: {error}; correct it") from error
    if compiled.groups != 1:
        rule = "it needs one, the id, as in '^(\\d+)_'; write other groups as (?:...)"
        raise UserError(f"{option} is {pattern!r}, with {compiled.groups} groups; {rule}")
    return compiled


def _list_files(folder: Path, given: Sequence[Path]) -> list[Path]:
    """List the images of a folder and those below it, but for those of the other folders ``given``."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; correct the path")
    taken, there = [path.resolve() for path in given], []
    if taken.count(folder.resolve()) > 1:
        raise UserError(f"{folder}: given twice; predictions, truth and masks each need a folder of their own")
    for at, below, names in os.walk(folder):
        seen = [name for name in below if not name.startswith((".", "__MACOSX"))]
        below[:] = [name for name in seen if Path(at, name).resolve() not in taken]  # where the walk goes on
        there += [Path(at, name) for name in names if not name.startswith(".")]
    there.sort()
    files = [path for path in there if path.name.lower().endswith(ENDINGS)]
    if not files:
        raise UserError(
            f"{folder}: none of its files ({_some(there) or 'it has none'}) ends in {', '.join(ENDINGS)}; "
            "correct the path, or store the images in one of these formats"
        )
    return files


def _some(paths: Sequence[Path]) -> str:
    return ", ".join([path.name for path in paths[:3]] + ["..."] * (len(paths) > 3))
