"""The table of one data set: ours beside what the paper claims, for people and for ``dvc metrics``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from vesselbench.files import whole_file
from vesselbench.reports.claims import paper_claims
from vesselbench.reports.collect import Results
from vesselbench.reports.notes import observer_notes, paper_notes, protocol_notes
from vesselbench.reports.style import display_name

COLUMNS = {  # the paper's, in its order
    "connectivity": "Connectivity",
    "f1": "F1",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "accuracy": "Accuracy",
    "auc": "AUC",
}
TEXT_COLUMNS = ("Method", "Mode", "Source")
HEADINGS = {"fov": "Inside the field of view", "frame": "Whole frame, without the mask"}


def metrics(results: Results, second_observer: Mapping[str, Any] | None) -> dict[str, Any]:
    """Nest pooled scores as model -> mode -> seed -> mask -> score, rounded to 6 digits.

    The second observer stands beside the models as ``second_observer`` -> mask -> score. Undefined and
    withheld scores are left out: ``dvc metrics`` compares numbers.
    """
    nested: dict[str, Any] = {
        model: {mode: {str(seed): _numbers(run) for seed, run in runs.items()} for mode, runs in modes.items()}
        for model, modes in results.items()
    }
    return nested | ({"second_observer": _numbers(second_observer)} if second_observer else {})


def markdown(
    dataset: str, results: Results, second_observer: Mapping[str, Any] | None, notes: Sequence[str] = ()
) -> str:
    """Write the table for people, readable as plain text too.

    Parameters
    ----------
    dataset
        Its name; for ``drive``, ``chase_db1`` and ``stare`` the paper's rows stand below ours.
    results
        See ``vesselbench.reports.collect``. Several seeds give mean ± sample standard deviation.
    second_observer
        Content of its scores.json, or None where the data set has none.
    notes
        Further lines to print below: how the networks were trained, how the maps were predicted.
    """
    lines = [f"# {display_name(dataset)}", ""]
    for mask, heading in HEADINGS.items():
        lines += [f"## {heading}", "", *_align(_rows(dataset, mask, results, second_observer)), ""]
    runs = [seeds for modes in results.values() for seeds in modes.values()]
    protocol = next(iter(runs[0].values()))["protocol"]
    below = protocol_notes(protocol, several_seeds=len(runs[0]) > 1) + observer_notes(second_observer)
    lines += [f"- {note}" for note in (*below, *notes, *paper_notes(dataset))]
    return "\n".join(lines) + "\n"


def write_tables(
    folder: Path,
    dataset: str,
    results: Results,
    second_observer: Mapping[str, Any] | None,
    notes: Sequence[str] = (),
) -> str:
    """Write ``<dataset>.json`` and ``<dataset>.md`` into ``folder``; return the text of the latter."""
    text = markdown(dataset, results, second_observer, notes)
    with whole_file(folder / f"{dataset}.json") as path:
        path.write_text(json.dumps(metrics(results, second_observer), indent=2) + "\n")
    with whole_file(folder / f"{dataset}.md") as path:
        path.write_text(text)
    return text


def _numbers(run: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    return {
        mask: {name: round(value, 6) for name, value in scores.items() if value is not None}
        for mask, scores in run["pooled"].items()
    }


def _rows(dataset: str, mask: str, results: Results, second_observer: Mapping[str, Any] | None) -> list[list[str]]:
    """Ours by model and mode, with the claims for it; then the second observer, then all other claims."""
    rows = [[*TEXT_COLUMNS, *COLUMNS.values()]]
    claims = paper_claims(dataset, mask)
    for model in dict.fromkeys((*results, "second_observer", *(claim.model for claim in claims))):
        for mode, seeds in results.get(model, {}).items():
            source = "ours" if len(seeds) == 1 else f"ours, {len(seeds)} seeds"
            cells = [_cell([run["pooled"][mask][name] for run in seeds.values()]) for name in COLUMNS]
            rows.append([display_name(model), mode, source, *cells])
        if model == "second_observer" and second_observer:
            cells = [_cell([second_observer["pooled"][mask][name]]) for name in COLUMNS]
            rows.append([display_name(model), "", "labels", *cells])
        for claim in claims:
            if claim.model == model:
                cells = [_cell([claim.scores.get(name)]) for name in COLUMNS]
                rows.append([display_name(model), claim.mode, f"paper, {claim.how}", *cells])
    return rows


def _cell(values: Sequence[float | None]) -> str:
    if any(value is None for value in values):
        return "-"
    spread = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
    return f"{mean(values):.4f}{spread}"


def _align(rows: list[list[str]]) -> list[str]:
    """Lay rows out as a Markdown table with columns of even width, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = ["<" if column < len(TEXT_COLUMNS) else ">" for column in range(len(widths))]
    rule = ["-" * width if side == "<" else "-" * (width - 1) + ":" for width, side in zip(widths, sides, strict=True)]
    return [
        "| " + " | ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)) + " |"
        for row in (rows[0], rule, *rows[1:])
    ]
