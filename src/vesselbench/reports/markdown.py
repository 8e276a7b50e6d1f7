"""The Markdown of one data set: ours, differences, claims, protocols, and how every figure came about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from vesselbench.reports.collect import Results, Run
from vesselbench.reports.comparisons import Pair, noise_floor
from vesselbench.reports.layout import (
    COLUMNS,
    HEADINGS,
    MORE_COLUMNS,
    PIXELS,
    align,
    bounds,
    p_value,
    score_name,
    short,
)
from vesselbench.reports.notes import (
    budget_warning,
    claim_notes,
    observer_notes,
    protocol_notes,
    round_trip_note,
    threshold_notes,
)
from vesselbench.reports.ours import protocol_table, reading_table, score_table
from vesselbench.reports.shares import share_lines
from vesselbench.reports.style import display_name
from vesselbench.reports.verdicts import Cell

SUPPORTED = (
    "Supported: the interval excludes 0 and Wilcoxon's p is below .05; each row is judged by itself, without "
    "correction for their number."
)


def markdown(
    dataset: str,
    results: Results,
    second_observer: Run | None,
    cells: Sequence[Cell],
    pairs: Sequence[Pair],
    sensitivity: pd.DataFrame,
    budget: Sequence[str],
    notes: Sequence[str] = (),
) -> str:
    """Write the tables for people, readable as plain text too; see ``vesselbench.reports.tables.write_tables``.

    Parameters
    ----------
    cells, pairs
        From ``verdicts`` and ``comparisons`` of the same results.
    """
    model, modes = next(iter(results.items()))
    mode, seeds = list(modes.items())[-1]
    run = next(iter(seeds.values()))
    whose = f"{display_name(model)}, mode {mode}"
    sections = {heading: score_table(results, second_observer, mask, [*COLUMNS]) for mask, heading in HEADINGS.items()}
    sections["More scores"] = [
        "Inside the field of view; clDice and the Betti errors of the whole frame. Lower is better for the errors.",
        "",
        *score_table(results, second_observer, "fov", [*MORE_COLUMNS]),
    ]
    sections["Differences between models"] = _list(noise_floor(results, pairs, len(run.scores["images"])))
    if pairs:
        sections["Differences between models"] += [f"- {SUPPORTED}", "", *difference_table(pairs)]
    if cells:
        said = [*budget, *budget_warning(budget), *claim_notes(cells), *round_trip_note(whose, seeds)]
        sections["Claimed by the paper, and ours"] = [*_list(said), "", *claim_table(cells)]
        sections["What the paper's rows tell of their pixels"] = share_lines(dataset, run.scores["pixels"])
    sections["The same maps under every protocol"] = [f"{whose}.", "", *protocol_table(seeds)]
    sections["Connectivity under other readings"] = [f"Mode {mode}.", "", *reading_table(sensitivity, mode)]
    below = [
        *protocol_notes(run.scores, len(seeds)),
        *threshold_notes(results),
        *observer_notes(second_observer),
        *(() if cells else budget),
        *notes,
    ]
    text = [f"# {display_name(dataset)}", ""]
    for heading, lines in sections.items():
        text += [f"## {heading}", "", *lines, ""]
    return "\n".join([*text, "## Notes", "", *_list(below)]) + "\n"


def difference_table(pairs: Sequence[Pair]) -> list[str]:
    """Lay out differences between models, the unsupported marked; no column of modes where there are none."""
    rows = [["Score", "Mode", "First", "Second", "First - second", "95 % interval", "Wilcoxon p", "The data say"]]
    for pair in pairs:
        found = pair.found
        rows.append(
            [
                score_name(pair.score),
                pair.mode,
                display_name(pair.first),
                display_name(pair.second),
                short(found.difference, "+"),
                bounds(found.low, found.high, "+"),
                p_value(found.p_value),
                "supported" if found.supported else "not supported",
            ]
        )
    if not any(pair.mode for pair in pairs):
        rows = [row[:1] + row[2:] for row in rows]
    return align(rows)


def claim_table(cells: Iterable[Cell]) -> list[str]:
    """Lay out the paper's cells beside ours, one a line; a mode in brackets is ours where the paper names none."""
    rows = [
        ["Table", "Method", "Mode", "Pixels", "Score"] + ["Claimed", "Ours", "Difference", "95 % interval", "Verdict"]
    ]
    for cell in cells:
        claim, ours = cell.claim, cell.ours
        quoted = ", quoted" if claim.how == "quoted" else ""
        rows.append(
            [
                claim.table.removeprefix("table "),
                display_name(claim.model) + quoted,
                claim.mode or (f"({cell.mode})" if ours else ""),
                PIXELS[claim.mask],
                score_name(cell.score),
                f"{cell.claimed:.4f}",
                f"{ours.value:.4f}" if ours else "-",
                short(ours.value - cell.claimed, "+") if ours else "-",
                bounds(*ours.bounds) if ours else "-",
                cell.verdict,
            ]
        )
    return align(rows)


def _list(sentences: Iterable[str]) -> list[str]:
    return [f"- {sentence}" for sentence in sentences]
