"""The tables of the ablations: design, outputs and strides, as numbers for ``dvc metrics`` and Markdown for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vesselbench.files import whole_file
from vesselbench.reports.ablations import FIGURE, SAID, Study, ablation_cells, ablation_pairs, stride_points
from vesselbench.reports.averages import average
from vesselbench.reports.comparisons import COMPARED, PROTOCOL, Pair, noise_floor
from vesselbench.reports.layout import align, score_name, short
from vesselbench.reports.markdown import SUPPORTED, difference_table
from vesselbench.reports.notes import budget_notes, budget_warning, prediction_notes, protocol_notes
from vesselbench.reports.ours import INTERVAL, interval_cell, value_cell
from vesselbench.reports.style import display_name
from vesselbench.reports.tables import as_json
from vesselbench.reports.verdicts import PREFERRED, Cell

SCORE_COLUMNS = [score_name(score) for score in COMPARED]
CLAIM_COLUMNS = ["Claimed AUC", "Verdict"]
COMPUTED = " (computed)"


def write_ablations(folder: Path, study: Study, modes: Sequence[str], bench: Mapping[str, Any]) -> str:
    """Write ``ablations_<dataset>.json`` and ``.md`` into ``folder``; return the text of the second.

    Parameters
    ----------
    folder
        ``metrics/tables``.
    study
        The runs of one data set.
    modes
        Those in which the networks were changed: a table of the design each.
    bench
        Content of ``metrics/bench/<device>.json``: how long prediction takes.
    """
    cells, pairs, points = ablation_cells(study), ablation_pairs(study, modes), stride_points(study, bench)
    lists = {
        "claims": [cell.as_dict() for cell in cells],
        "comparisons": [pair.as_dict() for pair in pairs],
        "strides": [_known(row) for row in points.to_dict("records")],
        "budget": budget_notes(study.dataset, study.made),
    }
    text = "\n".join(_text(study, modes, cells, pairs, points, bench))
    for suffix, content in (("json", as_json(ablation_metrics(study) | lists)), ("md", text)):
        with whole_file(folder / f"ablations_{study.dataset}.{suffix}") as path:
            path.write_text(content)
    return text


def ablation_metrics(study: Study) -> dict[str, Any]:
    """Nest scores as model -> mode -> score, means over seeds rounded to 6 digits; beside them the size of each network
    (``parameters``) and its training loss (``training_loss``)."""
    nested: dict[str, Any] = {}
    for model in study.models:
        for mode, seeds in study.results[model].items():
            found = {score: average(seeds, PROTOCOL, score) for score in COMPARED}
            known = {score: round(own.value, 6) for score, own in found.items() if own}
            nested.setdefault(model, {})[mode] = known
    parameters = {model: study.networks[model]["parameters"] for model in study.models}
    losses = {model: round(loss, 6) for model, loss in study.losses.items()}
    return nested | {"parameters": parameters, "training_loss": losses}


def design_table(study: Study, mode: str, cells: Iterable[Cell]) -> list[str]:
    """Lay out every network in a mode, its interval below: size, training loss, scores, the paper's claim."""
    claimed = {(cell.claim.model, cell.mode): cell for cell in cells if cell.claim.table != FIGURE}
    rows = [["Method", "Parameters", "Training loss", *SCORE_COLUMNS, *CLAIM_COLUMNS, "The paper says"]]
    for model in study.models:
        if mode in study.results[model]:
            loss = short(study.losses[model]) if model in study.losses else "-"
            before = [display_name(model), f"{study.networks[model]['parameters']:,}", loss]
            rows += _scored(study, model, mode, before, [*_claim(claimed.get((model, mode))), SAID.get(model, "")])
    return align(rows)


def output_table(study: Study, cells: Iterable[Cell]) -> list[str]:
    """Lay out every output of the reference, its interval below."""
    claimed = {cell.mode: cell for cell in cells if cell.claim.table == FIGURE}
    rows = [["Output", *SCORE_COLUMNS, *CLAIM_COLUMNS]]
    for output, mode in study.outputs().items():
        rows += _scored(study, study.reference, mode, [str(output)], _claim(claimed.get(mode)))
    return align(rows)


def stride_table(study: Study, points: pd.DataFrame) -> list[str]:
    """Lay out every stride of the reference, its interval below; ``points`` from ``stride_points``."""
    rows = [["Stride", *SCORE_COLUMNS, "Seconds"]]
    for point in points.itertuples():
        time = "-" if point.seconds != point.seconds else f"{point.seconds:.3g}" + COMPUTED * point.computed
        rows += _scored(study, study.reference, point.mode, [str(point.stride or "whole image")], [time])
    return align(rows)


def _scored(study: Study, model: str, mode: str, before: list[str], after: list[str]) -> list[list[str]]:
    """Put the scores of a model and mode between cells of its row; below, their intervals."""
    found = [average(study.results[model][mode], PROTOCOL, score) for score in COMPARED]
    values, intervals = list(map(value_cell, found, COMPARED)), list(map(interval_cell, found, COMPARED))
    return [[*before, *values, *after], [INTERVAL, *[""] * (len(before) - 1), *intervals, *[""] * len(after)]]


def _claim(cell: Cell | None) -> list[str]:
    return [f"{cell.claimed:.4f}", cell.verdict] if cell else ["-", ""]


def _text(
    study: Study,
    modes: Sequence[str],
    cells: Sequence[Cell],
    pairs: Sequence[Pair],
    points: pd.DataFrame,
    bench: Mapping[str, Any],
) -> list[str]:
    first = next(iter(study.results[study.reference].values()))
    scores, reference = next(iter(first.values())).scores, display_name(study.reference)
    budget = budget_notes(study.dataset, study.made)
    parts = {f"Design, mode {mode}": design_table(study, mode, cells) for mode in modes}
    parts = {"Design": _list([*_design_notes(study), *budget, *budget_warning(budget)])} | parts
    between = [pair for pair in pairs if pair.mode]
    said = [*noise_floor(study.results, between, len(scores["images"])), SUPPORTED]
    parts[f"Differences to {reference}"] = [*_list(said), "", *difference_table(between)]
    if study.outputs():
        parts["Outputs of one network"] = [*_list(_output_notes(study, cells)), "", *output_table(study, cells)]
        parts["Outputs of one network"] += _differences(pairs, study.outputs())
    parts["Strides"] = [*_list(_stride_notes(reference, points, bench)), "", *stride_table(study, points)]
    parts["Strides"] += _differences(pairs, study.strides())
    parts["Notes"] = _list([*protocol_notes(scores, len(first)), *prediction_notes(study.made)])
    sections = [line for heading, lines in parts.items() for line in (f"## {heading}", "", *lines, "")]
    return [f"# {display_name(study.dataset)}: ablations of {reference}", "", *sections]


def _differences(pairs: Iterable[Pair], ways: Mapping[int, str]) -> list[str]:
    """Lay out the differences between these modes of the reference; nothing where there is one alone."""
    modes = set(ways.values())
    chosen = [pair for pair in pairs if not pair.mode and {pair.first, pair.second} <= modes]
    return ["", *difference_table(chosen)] if chosen else []


def _design_notes(study: Study) -> list[str]:
    return [
        f"Each network differs from {display_name(study.reference)} in one thing. AUC and F1 inside the field of view, "
        "connectivity of the whole frame.",
        "Training loss: cross-entropy of the last output in nats a pixel, mean of the last epoch. Overfitting shows as "
        "a lower loss beside lower scores.",
        "Reproduced: the claim lies in our interval, or we are above it. Where the paper names no mode, ours is the "
        f"{PREFERRED} run, or the first mode where that was not run.",
        "Claims: section 5 of the paper, and Table 1 for the network itself; what it says in words has no verdict.",
    ]


def _output_notes(study: Study, cells: Iterable[Cell]) -> list[str]:
    outputs = study.outputs()
    way = study.ways[next(iter(outputs.values()))]
    manner = "images in one pass" if way["mode"] == "whole" else f"patches at stride {way['stride']}"
    reference, last = display_name(study.reference), display_name(list(outputs.values())[-1])
    lines = [f"One trained {reference}, {manner}. The last output is its answer, below called {last}."]
    if any(cell.claim.table == FIGURE for cell in cells):
        lines.append(
            "Figure 3 of the paper does not say how its maps were predicted; its last area, .9816, is that of patches "
            "in Table 1 (.9813 for whole images)."
        )
    return lines


def _stride_notes(reference: str, points: pd.DataFrame, bench: Mapping[str, Any]) -> list[str]:
    settings = bench["settings"]
    rows, columns = settings["image"]
    device = settings["device"] + (f", {settings['threads']} threads" if settings["slug"] == "cpu" else "")
    lines = [
        f"One trained {reference}. Seconds an image of {rows} x {columns} pixels (DRIVE's size) takes on {device}, "
        f"precision {settings['prediction']['precision']}, measured apart from these runs with random weights."
    ]
    if points["computed"].any():
        lines.append("Computed: the number of patches over the patches a second that were measured.")
    return lines


def _list(sentences: Iterable[str]) -> list[str]:
    return [f"- {sentence}" for sentence in sentences]


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is NaN, and round to 6 digits."""
    known = {name: value for name, value in row.items() if value == value}
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in known.items()}
