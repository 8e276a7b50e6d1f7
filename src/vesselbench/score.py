"""``vesselbench score``: the scores of any folder of probability maps, without training and without DVC."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vesselbench.config import UserError, repository
from vesselbench.data.images import read_kinds
from vesselbench.data.maps import LEVELS, level_of
from vesselbench.data.task import TASKS
from vesselbench.datasets.source import find_source
from vesselbench.files import read_table, whole_file
from vesselbench.foreign import Colours, read_foreign_kinds, read_foreign_labels, read_foreign_maps, share_levels
from vesselbench.matching import Match, match, vein_of
from vesselbench.metrics.bootstrap import Comparison, compare
from vesselbench.metrics.evaluation import Evaluated, Evaluation
from vesselbench.metrics.histograms import histogram, pooled_auc, stack
from vesselbench.metrics.kinds import evaluate_maps
from vesselbench.metrics.protocol import HEADLINE, Protocol
from vesselbench.metrics.scores import SCORES
from vesselbench.reports.curves import ROC, curve_figure
from vesselbench.reports.kinds import OF, PRINTED, SHOWN
from vesselbench.reports.runs import at_protocol
from vesselbench.reports.style import display_name, format_score, save
from vesselbench.reports.tables import DIFFERENCE, markdown_table, score_rows, text_table

SHOWN_OF_EACH = ("connectivity", "cldice", "f1", "sensitivity", "specificity", "accuracy", "auc", "auc_pr")


@dataclass(frozen=True)
class Request:
    """The options of ``vesselbench score``: which maps are scored, against what, and how."""

    task: str  # vessel or artery_vein
    colours: Colours  # of labels and maps of kinds
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
    summary = found["vessel"].summary
    lines = [f"{predictions}: {len(summary['images'])} maps", *(f"note: {note}" for note in notes)]
    lines += _lay_out(found, request)
    content: dict[str, Any] = {"predictions": str(predictions)} | _each(found, lambda own: own.summary)
    if rival:
        other, more = score_folder(rival, request)
        names = [folder.name for folder in (predictions, rival)]
        if names[0] == names[1]:
            names = [f"1: {predictions}", f"2: {rival}"]
        lines += ["", f"Compared under {shown}", *(f"note: {rival}: {note}" for note in more)]
        scores: dict[str, dict[str, Any]] = defaultdict(dict)
        for name in found:
            for protocol in found[name].draws if name == "kinds" else [shown]:
                both = [found[name], other[name]]
                compared = compare_maps(*both, protocol)
                lines += ["", f"{name.capitalize()}, {protocol}"] if len(found) > 1 else []
                lines += ["", _comparison_table(names, both, compared, protocol)]
                for score, own in compared.items():  # no NaN in JSON
                    scores[name][score] = {key: None if value != value else value for key, value in vars(own).items()}
        content["compared"] = {
            "with": {"predictions": str(rival)} | _each(other, lambda own: own.summary),
            "protocol": str(shown),
            "scores": _each(scores, dict),
        }
    words = {name: own for part in found.values() for name, own in part.summary["protocol"].items()}
    lines += ["", *(f"{name.capitalize()}: {own}." for name, own in words.items())]
    lines += [f"No {name}: {reason}." for name, reason in summary["withheld"].items()]
    written = _write(request.out, content, found, predictions.name)
    return "\n".join([*lines, f"Written: {', '.join(map(str, written))}"])


def _each(found: Mapping[str, Any], make: Callable[[Any], Any]) -> Any:
    """Make something of everything that is scored, by its name; of vessels alone, without."""
    return make(found["vessel"]) if len(found) == 1 else {name: make(own) for name, own in found.items()}


def _lay_out(found: Mapping[str, Evaluated], request: Request) -> list[str]:
    """Lay out the scores of one folder of maps, an empty line before each table and title."""
    vessels = {name.capitalize(): own for name, own in found.items() if name != "kinds"}
    if request.every:
        blocks = []
        for name, own in vessels.items():
            rows = [score_rows({"Protocol": str(by)}, _scores(own, by), SHOWN_OF_EACH)[0] for by in own.draws]
            blocks += [name] * (len(vessels) > 1) + [markdown_table(pd.DataFrame(rows))]
    else:
        scores = {name: _scores(own, request.shown) for name, own in vessels.items()}
        blocks = [f"{request.shown}: {request.shown.description}", _score_table(scores)]
    if "kinds" in found:
        pooled, released = found["kinds"].draws
        scores = _scores(found["kinds"], pooled)
        for on, names in SHOWN.items():
            blocks += [f"Kind of vessel ({on}), {pooled}", _score_table({"": scores.loc[[*names]]})]
        scores = _scores(found["kinds"], released)
        columns = {display_name(of): scores.loc[[f"{of}_{name}" for name in PRINTED]].set_axis(PRINTED) for of in OF}
        blocks += [f"As BF-Net's code scores, {released}", _score_table(columns)]
    return [line for block in blocks for line in ("", block)]


def _check(request: Request) -> Request:
    """Check the options before any file is read, and find the folders of a data set."""
    if request.out.suffix != ".json" or request.out.is_dir():
        raise UserError(f"--out is {request.out}; it must be a file that ends in .json: the others are named after it")
    if name := request.dataset:
        find_source(name)
        root = repository()
        labels = "labels" if request.task == "vessel" else request.task
        truth, fov = root / "data/raw" / name / labels, request.fov or root / "data/fov" / name
        if truth.parent.is_dir() and not truth.is_dir():
            raise UserError(f"{truth}: no such folder; {name} has no labels for --task {request.task}; choose another")
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


def score_folder(predictions: Path, request: Request) -> tuple[dict[str, Evaluated], list[str]]:
    """Score a folder of maps under every protocol that can be had; notes for a person come beside the results.

    The results are those of ``vessel``, or of ``artery``, ``vein``, ``vessel`` and ``kinds``. UserError if files do not
    match, one is no map, truth or mask, sizes differ, or a field of view is empty.
    """
    task, kinds = TASKS[request.task], request.task == "artery_vein"
    pairs, notes = match(predictions, request.truth, request.fov, request.pattern, request.truth_pattern, kinds)
    maps, of_maps = _read_maps([pair.prediction for pair in pairs], request)
    paths = [pair.truth for pair in pairs]
    if kinds and request.dataset:
        truths, of_truths = [*map(read_kinds, paths)], []
    else:
        truths, of_truths = read_foreign_kinds(paths, request.colours) if kinds else read_foreign_labels(paths)
    masks, of_masks = [np.ones(truth.shape, bool) for truth in truths], []
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
    evaluation = Evaluation(threshold=request.threshold, draws=request.draws)
    labelled = zip(pairs, truths, masks, strict=True)
    found = evaluate_maps(labelled, maps, task, defaultdict(lambda: thresholds), evaluation, {})
    if kinds:
        found["kinds"].summary["confusion"] = found["kinds"].tables["confusion.csv"].to_dict("records")
        right = _scores(found["kinds"], HEADLINE["fov"])["value"]["found_balanced_accuracy"]
        if right < 0.5:
            odd.append(f"arteries and veins exchanged? balanced accuracy {format_score(right)} on those found")
    for own in found.values() if len(images) == 1 else ():
        _drop_intervals(own)
    return found if request.fov else {name: _whole_frame(own) for name, own in found.items()}, odd + notes


def _read_maps(paths: Sequence[Path], request: Request) -> tuple[list[dict[str, np.ndarray]], list[str]]:
    """Read maps, of each image channel of the task -> uint16 (H, W), 65535 for probability 1, with notes.

    In a map in colours, a crossing and an uncertain vessel are both kinds.
    """
    task, channels = TASKS[request.task], TASKS[request.task].channels
    if request.task == "vessel" or vein_of(paths[0]) != paths[0]:
        maps, notes = read_foreign_maps([*paths, *map(vein_of, paths)][: len(channels) * len(paths)])
        maps = share_levels(maps, [*request.thresholds.values()])
    else:
        kinds, notes = read_foreign_kinds(paths, request.colours)
        shown = [(*some, *task.unknown) for some in channels.values()]
        maps = [np.isin(own, some) * np.uint16(LEVELS - 1) for some in shown for own in kinds]
    return [dict(zip(channels, maps[at :: len(paths)], strict=True)) for at in range(len(paths))], notes


def _check_sizes(pair: Match, levels: Mapping[str, np.ndarray], truth: np.ndarray, fov: np.ndarray) -> None:
    paths = pair.prediction, vein_of(pair.prediction)
    maps = [("map", path, own.shape) for path, own in zip(paths, levels.values(), strict=False)]
    for kind, path, shape in (*maps, ("mask", pair.fov, fov.shape)):
        if shape != truth.shape:
            raise UserError(
                f"{path}: {shape[0]} x {shape[1]} (rows x columns), but the truth {pair.truth} is "
                f"{truth.shape[0]} x {truth.shape[1]}; all of an image must be of one size, and the truth is never "
                f"resized: bring the {kind} to the size of the truth"
            )
    if not fov.any():
        raise UserError(f"{pair.fov}: the field of view is empty; a mask is white where pixels count")


def _inverted(pair: Match, levels: Mapping[str, np.ndarray], truth: np.ndarray, fov: np.ndarray) -> str:
    """Say which of an image's mask, truth and map gives itself away as inverted; the first, since others follow."""
    (rows, columns), corners = fov.shape, fov[[0, 0, -1, -1], [0, -1, 0, -1]]
    middle = fov[rows // 3 : rows - rows // 3, columns // 3 : columns - columns // 3]
    dark, share = middle.mean() < 0.5 < corners.mean(), (truth[fov] > 0).mean()
    vessel = np.maximum.reduce([*levels.values()])
    auc = pooled_auc(stack([histogram(truth, vessel, fov)]), np.ones((1, 1)))[0]
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
    """Call the field of view, where none was given, by what it is: the frame."""

    def rename(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["mask"] == "fov"].assign(mask="frame") if "mask" in table else table

    protocols = {protocol: replace(protocol, mask="frame") for protocol in found.draws if protocol.mask == "fov"}
    scores = {str(own): found.summary["scores"][str(protocol)] for protocol, own in protocols.items()}
    summary = found.summary | {"pixels": {"frame": found.summary["pixels"]["fov"]}, "scores": scores}
    draws = {own: found.draws[protocol] for protocol, own in protocols.items()}
    return Evaluated(summary, draws, rename(found.images), {name: rename(own) for name, own in found.tables.items()})


def compare_maps(first: Evaluated, second: Evaluated, protocol: Protocol) -> dict[str, Comparison]:
    """Compare two sets of maps, for every score that both have; UserError if they are not of the same images."""
    both = (first, second)
    ids = [set(found.summary["images"]) for found in both]
    if ids[0] != ids[1]:
        odd = ", ".join(sorted(ids[0] ^ ids[1])[:3])
        raise UserError(f"--compare: maps of other images ({odd}, in one folder only); both must hold the same ones")
    images = [at_protocol(found.images, protocol) for found in both]
    values = [_scores(found, protocol)["value"] for found in both]
    compared = {}
    for name in values[0].index:
        own = values[0][name], values[1][name]
        if not np.isnan(own).any():
            draws = [found.draws[protocol][name] for found in both]
            compared[name] = compare(own, draws, [table[name] for table in images])
    return compared


def _scores(found: Evaluated, protocol: Protocol) -> pd.DataFrame:
    """Give value, low and high of the interval, by score; NaN where one is undefined."""
    return pd.DataFrame(found.summary["scores"][str(protocol)], dtype=float).T


def _score_table(columns: Mapping[str, pd.DataFrame]) -> str:
    """Lay out columns of the same scores, each with its interval: a single one beside it."""
    if len(columns) == 1:
        (scores,) = columns.values()
        return text_table(scores.rename_axis("score").reset_index(), ["score", "value", "interval"])
    cells = {}
    for column, scores in columns.items():
        values, intervals = score_rows({}, scores, scores.index)
        cells[column] = {name: f"{own} ({intervals[name]})".replace(" (-)", "") for name, own in values.items()}
    return markdown_table(pd.DataFrame(cells).rename_axis("Score").reset_index())


def _comparison_table(names: list[str], both: list[Evaluated], compared: dict[str, Comparison], shown: Protocol) -> str:
    """Lay out two sets of maps side by side: difference, interval, Wilcoxon's p, and whether the data support it."""
    first, second = (_scores(found, shown)["value"] for found in both)
    rows, titles = [], dict(zip(("first", "second"), names, strict=True))
    for name, own in compared.items():
        if not name.startswith(("artery_", "vein_", "uncertain_")):  # parts of an average
            words = name if name in SCORES else name.replace("_", " ").capitalize()
            rows.append({"score": words, "first": first[name], "second": second[name]} | vars(own))
    return text_table(pd.DataFrame(rows), ["score", *titles, *DIFFERENCE[4:]], titles)


def _write(out: Path, content: dict[str, Any], found: Mapping[str, Evaluated], name: str) -> list[Path]:
    """Write JSON, and of all that is scored the scores of each image, C(theta), the ROC as CSV and picture, confusion.

    Maps that hold 0 and 1 alone have no ROC. Return the paths.
    """
    with whole_file(out) as path:
        path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    written = [out]
    for part, own in found.items():
        stem, tables = out.stem + f"_{part}" * (len(found) > 1), {"images.csv": own.images} | own.tables
        for what in ("images.csv", "connectivity.csv", "roc.csv", "confusion.csv"):
            if len(tables.get(what, ())):
                written.append(out.with_name(f"{stem}_{what}"))
                with whole_file(written[-1]) as path:
                    tables[what].to_csv(path, index=False, float_format="%.6f")
        if len(curve := tables.get("roc.csv", ())):
            protocol = HEADLINE[curve["mask"].iloc[0]]  # the field of view where there is one
            table = at_protocol(curve, protocol).assign(label=name, mode="", seed=0)
            scores = {(name, "", str(protocol)): _scores(own, protocol)}
            averages = pd.concat(scores, names=["label", "mode", "protocol"])
            written.append(out.with_name(f"{stem}_roc.png"))
            save(curve_figure(ROC, name, table, averages, protocol=protocol), written[-1])
    return written
