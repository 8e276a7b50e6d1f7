"""``vesselbench score``: the scores of any folder of probability maps, without training and without DVC."""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vesselbench.config import UserError, repository
from vesselbench.data.maps import level_of
from vesselbench.datasets.source import find_source
from vesselbench.files import read_table, whole_file
from vesselbench.foreign import read_foreign_labels, read_foreign_maps, share_levels
from vesselbench.matching import Match, match
from vesselbench.metrics.bootstrap import Comparison, compare
from vesselbench.metrics.evaluation import Evaluated, Evaluation, evaluate
from vesselbench.metrics.histograms import histogram, pooled_auc, stack
from vesselbench.metrics.image import score_image
from vesselbench.metrics.protocol import HEADLINE, Protocol
from vesselbench.metrics.scores import SCORES
from vesselbench.reports.curves import ROC, curve_figure
from vesselbench.reports.style import display_name, format_interval, format_score, save
from vesselbench.reports.tables import markdown_table

SHOWN_OF_EACH = ("connectivity", "cldice", "f1", "sensitivity", "specificity", "accuracy", "auc", "auc_pr")


@dataclass(frozen=True)
class Request:
    """The options of ``vesselbench score``: which maps are scored, against what, and how."""

    predictions: Path  # folder of the maps
    truth: Path | None  # folder of the first observer's labels
    dataset: str | None  # in place of truth: a data set of this project, prepared in data/
    fov: Path | None  # folder of masks; without it the whole frame alone is scored
    protocol: str | None  # name of what is printed and compared; None: a headline protocol
    every: bool  # whether all protocols are printed
    rival: Path | None  # a second folder of maps of the same images
    threshold: float  # probability fixed in advance
    training_threshold: float | None  # probability that was chosen on training images, elsewhere
    pattern: str | None  # see vesselbench.matching.match
    truth_pattern: str | None
    accept_odd: bool  # whether what looks inverted is scored, with a note
    draws: int  # bootstrap samples
    out: Path  # JSON to write; the other files are named after it and lie beside it

    @property
    def thresholds(self) -> dict[str, float]:
        """The probabilities at which maps are counted, by their name in protocols."""
        chosen = {} if self.training_threshold is None else {"training": self.training_threshold}
        return {"fixed": self.threshold} | chosen

    @property
    def shown(self) -> Protocol:
        """The protocol that is printed and compared."""
        return Protocol.parse(self.protocol) if self.protocol else HEADLINE["fov" if self.fov else "frame"]


def score_command(request: Request) -> str:
    """Score a folder of maps, or compare two, write the files, and return the text to print.

    Raises
    ------
    UserError
        An option is refused, files do not match, or one of them cannot be scored; nothing is written.
    """
    request = _check(request)
    predictions, rival, shown = request.predictions, request.rival, request.shown
    found, notes = score_folder(predictions, request)
    summary = found.summary
    lines = [f"{predictions}: {len(summary['images'])} maps", *(f"note: {note}" for note in notes), ""]
    title = f"{shown}: {shown.description}"
    lines += [_protocol_table(found)] if request.every else [title, "", _score_table(found, shown)]
    content: dict[str, Any] = {"predictions": str(predictions)} | summary
    if rival:
        other, more = score_folder(rival, request)
        compared = compare_maps(found, other, shown)
        names = [folder.name for folder in (predictions, rival)]
        if names[0] == names[1]:
            names = [f"1: {predictions}", f"2: {rival}"]
        lines += ["", f"Compared under {shown}", *(f"note: {rival}: {note}" for note in more)]
        lines += ["", _comparison_table(names, [found, other], compared, shown)]
        content["compared"] = {
            "with": {"predictions": str(rival)} | other.summary,
            "protocol": str(shown),
            "scores": {
                name: {key: None if value != value else value for key, value in asdict(own).items()}  # no NaN in JSON
                for name, own in compared.items()
            },
        }
    lines += ["", *(f"{name.capitalize()}: {words}." for name, words in summary["protocol"].items())]
    lines += [f"No {name}: {reason}." for name, reason in summary["withheld"].items()]
    written = _write(request.out, content, found, predictions.name)
    return "\n".join([*lines, f"Written: {', '.join(map(str, written))}"])


def _check(request: Request) -> Request:
    """Check the options before any file is read, and find the folders of a data set."""
    if request.out.suffix != ".json" or request.out.is_dir():
        raise UserError(f"--out is {request.out}; it must be a file that ends in .json: the others are named after it")
    if name := request.dataset:
        find_source(name)
        root = repository()
        truth, fov = root / "data/raw" / name / "labels", request.fov or root / "data/fov" / name
        request = replace(request, truth=truth, fov=fov)
        for folder, stage in ((truth, "download"), (fov, "fov")):
            if not folder.is_dir():
                fix = f"run 'dvc repro {stage}@{name}' from the repository's root"
                raise UserError(f"{folder}: no such folder; {fix}")
    for option, value in zip(("--threshold", "--training-threshold"), request.thresholds.values(), strict=False):
        if not 0 < value <= 1:
            raise UserError(f"{option} is {value}; it must be above 0 and at most 1")
    if request.draws < 100:
        raise UserError(f"--draws is {request.draws}; it must be at least 100")
    try:
        shown = request.shown
    except ValueError as error:
        raise UserError(f"--protocol: {error}") from error
    if shown.mask == "fov" and not request.fov:
        raise UserError(f"protocol {shown} needs the field of view: give --fov, or --protocol {HEADLINE['frame']}")
    if shown.threshold not in request.thresholds:
        fix = "give it by --training-threshold; this command sees the images that are scored, so it never chooses one"
        raise UserError(f"protocol {shown} needs a threshold chosen on training images: {fix}")
    _check_place(request.out)
    return request


def _check_place(out: Path) -> None:
    """Try to write beside ``out``, or in the lowest folder above it that exists, before hours of scoring."""
    folder = next(path for path in out.absolute().parents if path.exists())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(1 << 20))  # about what is written
    except OSError as error:
        raise UserError(f"--out is {out}, but {folder} cannot be written: {error.strerror}; choose another") from error


def score_folder(predictions: Path, request: Request) -> tuple[Evaluated, list[str]]:
    """Score a folder of maps under every protocol that can be had; notes for a person come beside the results.

    UserError if files do not match, one is no map, truth or mask, sizes differ, or a field of view is empty.
    """
    pairs, notes = match(predictions, request.truth, request.fov, request.pattern, request.truth_pattern)
    maps, of_maps = read_foreign_maps([pair.prediction for pair in pairs])
    maps = share_levels(maps, [*request.thresholds.values()])
    truths, of_truths = read_foreign_labels([pair.truth for pair in pairs])
    masks, of_masks = [np.ones_like(truth) for truth in truths], []
    if request.fov:
        masks, of_masks = read_foreign_labels([pair.fov for pair in pairs], mask=True)
    images = [*zip(pairs, maps, truths, masks, strict=True)]
    for image in images:
        _check_sizes(*image)
    notes = of_maps + of_truths + of_masks + notes
    if request.dataset:
        notes += _training_notes(request.dataset, [pair.id for pair in pairs])
    odd = [sign for image in images if (sign := _inverted(*image))]
    if odd and not request.accept_odd:
        raise UserError(f"{odd[0]}; {len(odd)} such in all: invert, or score as they are by --accept-odd")
    thresholds = {name: int(level_of(value)) for name, value in request.thresholds.items()}
    records = [score_image(pair.id, truth, levels, fov, thresholds) for pair, levels, truth, fov in images]
    found = evaluate(records, thresholds, Evaluation(threshold=request.threshold, draws=request.draws))
    if len(records) == 1:
        _drop_intervals(found)
    return found if request.fov else _whole_frame(found), odd + notes


def _check_sizes(pair: Match, levels: np.ndarray, truth: np.ndarray, fov: np.ndarray) -> None:
    for kind, path, shape in (("map", pair.prediction, levels.shape), ("mask", pair.fov, fov.shape)):
        if shape != truth.shape:
            raise UserError(
                f"{path}: {shape[0]} x {shape[1]} (rows x columns), but the truth {pair.truth} is "
                f"{truth.shape[0]} x {truth.shape[1]}; all of an image must be of one size, and the truth is never "
                f"resized: bring the {kind} to the size of the truth"
            )
    if not fov.any():
        raise UserError(f"{pair.fov}: the field of view is empty; a mask is white where pixels count")


def _inverted(pair: Match, levels: np.ndarray, truth: np.ndarray, fov: np.ndarray) -> str:
    """Say which of an image's mask, truth and map gives itself away as inverted; the first, since others follow."""
    (rows, columns), corners = fov.shape, fov[[0, 0, -1, -1], [0, -1, 0, -1]]
    middle = fov[rows // 3 : rows - rows // 3, columns // 3 : columns - columns // 3]
    dark, share = middle.mean() < 0.5 < corners.mean(), truth[fov].mean()
    auc = pooled_auc(stack([histogram(truth, levels, fov)]), np.ones((1, 1)))[0]
    signs = (
        (pair.fov, dark, "dark in the middle and bright in the corners; a mask is white where pixels count"),
        (pair.truth, share > 0.5, f"{share:.0%} of its pixels are vessel; eyes have less vessel than background"),
        (pair.prediction, auc < 0.5, f"AUC {format_score(auc)} on its own image, below .5; vessels must be bright"),
    )
    return next((f"{path}: inverted? {sign}" for path, odd, sign in signs if odd), "")


def _drop_intervals(found: Evaluated) -> None:
    """Leave out intervals and bands, which mean nothing for a single image."""
    why = "none, of a single image: the bootstrap draws images, so that it needs several"
    found.summary["protocol"]["interval"] = why
    for scores in found.summary["scores"].values():
        for own in scores.values():
            own |= {"low": None, "high": None}
    for draws in (draws for own in found.draws.values() for draws in own.values()):
        draws.fill(np.nan)
    for table in found.tables.values():
        table[[name for name in ("low", "high") if name in table]] = np.nan


def _training_notes(dataset: str, ids: Iterable[str]) -> list[str]:
    """Say which of the scored images train in the project's own split: their scores are no test."""
    split = repository() / "data/splits" / dataset / f"{dataset}.csv"
    if not split.exists():
        return []
    table = read_table(split, ["id", "subset"], f"run 'dvc repro split@{dataset}'", dtype=str)
    train = sorted(set(table.loc[table["subset"] == "train", "id"]) & set(ids))
    return [f"{len(train)} of these images train in {split}: {', '.join(train)}"] if train else []


def _whole_frame(found: Evaluated) -> Evaluated:
    """Leave out what is said of a field of view, where none was given."""
    draws = {protocol: own for protocol, own in found.draws.items() if protocol.mask == "frame"}
    summary = found.summary | {
        "pixels": {"frame": found.summary["pixels"]["frame"]},
        "scores": {str(protocol): found.summary["scores"][str(protocol)] for protocol in draws},
    }
    tables = {name: own[own["mask"] == "frame"] if "mask" in own else own for name, own in found.tables.items()}
    return Evaluated(summary, draws, found.images[found.images["mask"] == "frame"], tables)


def compare_maps(first: Evaluated, second: Evaluated, protocol: Protocol) -> dict[str, Comparison]:
    """Compare two sets of maps, for every score that both have; UserError if they are not of the same images."""
    both = (first, second)
    ids = [set(found.summary["images"]) for found in both]
    if ids[0] != ids[1]:
        odd = ", ".join(sorted(ids[0] ^ ids[1])[:3])
        raise UserError(f"--compare: maps of other images ({odd}, in one folder only); both must hold the same ones")
    words = pd.Series({name: getattr(protocol, name) for name in ("mask", "truth", "threshold")})
    images = [found.images[(found.images[words.index] == words).all(axis=1)] for found in both]
    values = [_scores(found, protocol)["value"] for found in both]
    compared = {}
    for name in SCORES:
        own = values[0][name], values[1][name]
        if not np.isnan(own).any():
            draws = [found.draws[protocol][name] for found in both]
            compared[name] = compare(own, draws, [table[name] for table in images])
    return compared


def _scores(found: Evaluated, protocol: Protocol) -> pd.DataFrame:
    """Give value, low and high of the interval, by score; NaN where one is undefined."""
    return pd.DataFrame(found.summary["scores"][str(protocol)], dtype=float).T


def _score_table(found: Evaluated, protocol: Protocol) -> str:
    """Lay out every score of one protocol with its interval."""
    rows = [
        (display_name(name), format_score(value, name), format_interval(low, high, name))
        for name, value, low, high in _scores(found, protocol).itertuples()
    ]
    return markdown_table(pd.DataFrame(rows, columns=["Score", "Value", "95 % interval"]))


def _protocol_table(found: Evaluated) -> str:
    """Lay out some scores under every protocol, one a row."""
    rows = []
    for protocol in found.draws:
        values = _scores(found, protocol).loc[[*SHOWN_OF_EACH], "value"]
        rows.append([str(protocol), *(format_score(value, name) for name, value in values.items())])
    return markdown_table(pd.DataFrame(rows, columns=["Protocol", *map(display_name, SHOWN_OF_EACH)]))


def _comparison_table(names: list[str], both: list[Evaluated], compared: dict[str, Comparison], shown: Protocol) -> str:
    """Lay out two sets of maps side by side: difference, interval, Wilcoxon's p, and whether the data support it."""
    first, second = (_scores(found, shown)["value"] for found in both)
    rows = []
    for name, own in compared.items():
        values = [format_score(value, name) for value in (first[name], second[name])]
        difference = format_score(own.difference, name, "+"), format_interval(own.low, own.high, name, "+")
        verdict = "supported" if own.supported else "not supported"
        rows.append((display_name(name), *values, *difference, format_score(own.p_value, "p_value"), verdict))
    columns = ["Score", *names, "Difference", "95 % interval", "Wilcoxon p", "The data say"]
    return markdown_table(pd.DataFrame(rows, columns=columns))


def _write(out: Path, content: dict[str, Any], found: Evaluated, name: str) -> list[Path]:
    """Write JSON, the scores of each image, C(theta), and the ROC as CSV and picture; return the paths.

    Maps that hold 0 and 1 alone have no ROC.
    """
    with whole_file(out) as path:
        path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    written, curve = [out], found.tables["roc.csv"]
    for what, table in {"images": found.images, "connectivity": found.tables["connectivity.csv"], "roc": curve}.items():
        if len(table):
            written.append(out.with_name(f"{out.stem}_{what}.csv"))
            with whole_file(written[-1]) as path:
                table.to_csv(path, index=False, float_format="%.6f")
    if len(curve):
        protocol = HEADLINE[curve["mask"].iloc[0]]  # the field of view where there is one
        table = curve[curve["mask"] == protocol.mask].assign(label=name, mode="", seed=0)
        averages = pd.concat({(name, "", str(protocol)): _scores(found, protocol)}, names=["label", "mode", "protocol"])
        written.append(out.with_name(f"{out.stem}_roc.png"))
        save(curve_figure(ROC, name, table, averages, protocol=protocol), written[-1])
    return written
