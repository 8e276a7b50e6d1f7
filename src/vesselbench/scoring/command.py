"""``vesselbench score``: the scores of any folder of maps, without training and without DVC."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from vesselbench.config import UserError
from vesselbench.data.matching import Matches, match
from vesselbench.files import whole_file
from vesselbench.metrics.evaluation import Evaluated, evaluate
from vesselbench.metrics.protocol import HEADLINE, Protocol
from vesselbench.metrics.scores import SCORES
from vesselbench.metrics.statistics import Comparison
from vesselbench.reports.collect import Run
from vesselbench.reports.comparisons import compare_runs
from vesselbench.reports.figures import roc_figure
from vesselbench.reports.style import save
from vesselbench.scoring.load import load
from vesselbench.scoring.printed import comparison_lines, protocol_lines, score_lines
from vesselbench.scoring.request import Request

COLUMNS = ("connectivity", "cldice", "f1", "sensitivity", "specificity", "accuracy", "auc", "auc_pr")  # of --all


def run(request: Request) -> str:
    """Score a folder, or two, write the files, and give the text to print.

    Raises
    ------
    UserError
        Files do not match, or one of them cannot be scored; nothing is written.
    """
    matches, found = score(request.predictions, request)
    summary, shown = found.summary, request.protocol
    notes = [*matches.notes, *training_notes(request.split, summary["images"])]
    lines = [f"{request.predictions}: {len(matches.pairs)} maps", *(f"note: {note}" for note in notes), ""]
    if request.every:
        lines += protocol_lines(summary, list(found.draws), COLUMNS)
    else:
        lines += [f"{shown}: {shown.description}", "", *score_lines(summary, shown)]
    content: dict[str, Any] = {"predictions": str(request.predictions)} | summary
    if request.rival:
        rival = score(request.rival, request)[1]
        compared = compare_sets(found, rival, shown)
        folders = (request.predictions, request.rival)
        names = tuple(folder.name for folder in folders)
        if names[0] == names[1]:
            names = tuple(map(str, folders))
        lines += ["", f"Compared under {shown}", ""]
        lines += comparison_lines(names, (summary, rival.summary), compared, shown)
        content["compared"] = {
            "with": {"predictions": str(request.rival)} | rival.summary,
            "protocol": str(shown),
            "scores": {name: asdict(comparison) for name, comparison in compared.items()},
        }
    lines += ["", *(f"{name.capitalize()}: {words}." for name, words in summary["protocol"].items())]
    lines += [f"No {name}: {reason}." for name, reason in summary["withheld"].items()]
    written = write(request.out, content, found, request.predictions.name)
    return "\n".join([*lines, f"Written: {', '.join(map(str, written))}"])


def score(predictions: Path, request: Request) -> tuple[Matches, Evaluated]:
    """Score a folder of maps under every protocol that can be had, and say how files were matched."""
    matches = match(predictions, request.truth, request.fov, request.pattern)
    maps = load(matches.pairs, request.thresholds)
    found = evaluate(maps.records, maps.thresholds, request.evaluation, scale=maps.scale)
    return matches, found if request.fov else whole_frame(found)


def training_notes(split: Path | None, ids: list[str]) -> list[str]:
    """Say which of the scored images train in the project's own split: their scores are no test."""
    if split is None or not split.exists():
        return []
    table = pd.read_csv(split, dtype=str)
    train = sorted(set(table.loc[table["subset"] == "train", "id"]) & set(ids))
    return [f"{len(train)} of these images train in {split}: {', '.join(train)}"] if train else []


def whole_frame(found: Evaluated) -> Evaluated:
    """Leave out what is said of a field of view, where none was given."""
    kept = [protocol for protocol in found.draws if protocol.mask == "frame"]
    summary = found.summary | {
        "pixels": {"frame": found.summary["pixels"]["frame"]},
        "scores": {str(protocol): found.summary["scores"][str(protocol)] for protocol in kept},
    }
    draws = {protocol: found.draws[protocol] for protocol in kept}
    tables = {name: own[own["mask"] == "frame"] if "mask" in own else own for name, own in found.tables.items()}
    return Evaluated(summary, draws, found.images[found.images["mask"] == "frame"], tables)


def as_run(found: Evaluated) -> Run:
    """Give results as the reports take them."""
    return Run(found.summary, found.named_draws, found.images)


def compare_sets(first: Evaluated, second: Evaluated, protocol: Protocol) -> dict[str, Comparison]:
    """Compare two sets of maps of the same images, for every score that both have.

    Raises
    ------
    UserError
        They are not of the same images.
    """
    ids = [found.summary["images"] for found in (first, second)]
    if ids[0] != ids[1]:
        odd = ", ".join(sorted(set(ids[0]) ^ set(ids[1]))[:3])
        raise UserError(f"--compare: maps of other images ({odd}, in one folder only); both must hold the same ones")
    one, other = {0: as_run(first)}, {0: as_run(second)}
    compared = {name: compare_runs(one, other, protocol, name) for name in SCORES}
    return {name: comparison for name, comparison in compared.items() if comparison}


def write(out: Path, content: dict[str, Any], found: Evaluated, name: str) -> list[Path]:
    """Write JSON, the scores of each image, C(theta), and the ROC as CSV and picture; give the paths.

    Maps that hold 0 and 1 alone have no ROC.
    """
    with whole_file(out) as path:
        path.write_text(json.dumps(finite(content), indent=1) + "\n")
    curves = found.tables["roc.csv"]
    tables = {"images": found.images, "connectivity": found.tables["connectivity.csv"], "roc": curves}
    written = [out]
    for what, table in tables.items():
        if len(table):
            written.append(out.with_name(f"{out.stem}_{what}.csv"))
            with whole_file(written[-1]) as path:
                table.to_csv(path, index=False, float_format="%.6f")
    if not len(curves):
        return written
    mask = curves["mask"].iloc[0]  # the field of view where there is one
    drawn = curves[curves["mask"] == mask].assign(model=name, mode="", seed=0)
    results = {name: {"": {0: as_run(found)}}}
    written.append(out.with_name(f"{out.stem}_roc.png"))
    save(roc_figure(name, drawn, results, None, HEADLINE[mask]), written[-1])
    return written


def finite(node: Any) -> Any:
    """Replace NaN, which JSON does not know, by None."""
    if isinstance(node, dict):
        return {name: finite(value) for name, value in node.items()}
    return None if isinstance(node, float) and math.isnan(node) else node
