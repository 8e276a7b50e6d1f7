"""All tables of the paper on one page: every claim beside ours, with its verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from vesselbench.reports.layout import COLUMNS, PIXELS, align, short
from vesselbench.reports.style import display_name
from vesselbench.reports.verdicts import NOT_COMPARABLE, NOT_REPRODUCED, REPRODUCED, VERDICTS, verdicts

PAPER_TABLES = {"drive": "Table 1", "chase_db1": "Table 2", "stare": "Table 3"}
MARKS = {REPRODUCED: "yes", NOT_REPRODUCED: "no "}  # of one width
ROW = ("method", "mode", "how", "mask")  # what the cells of one row of the paper share


def summary(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Write the page.

    Parameters
    ----------
    tables
        Data set -> content of its ``metrics/tables/<dataset>.json``; what is not there was not run. Data sets that
        the paper does not report on are named, no more.
    """
    claims = {
        dataset: tables[dataset]["claims"] if dataset in tables else [cell.as_dict() for cell in verdicts(dataset, {})]
        for dataset in PAPER_TABLES
    }
    lines = ["# Tables 1-3 of IterNet (WACV 2020): claimed, and ours", "", *count_table(claims), "", *_legend(), ""]
    for dataset, title in PAPER_TABLES.items():
        lines += [f"## {title}: {display_name(dataset)}", "", *_how(dataset, tables), ""]
        lines += [*claim_rows(claims[dataset], tables.get(dataset, {}).get("second_observer", {})), ""]
    others = [name for name in tables if name not in PAPER_TABLES]
    lines += [f"- {display_name(name)}: not in the paper; see [its table](tables/{name}.md)." for name in others]
    return "\n".join(lines).rstrip("\n") + "\n"


def count_table(claims: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    """Count the verdicts on each table's cells, and on those alone that the paper does not quote."""
    every = [cell for cells in claims.values() for cell in cells]
    groups = {f"{title[6:]}, {display_name(name)}": claims[name] for name, title in PAPER_TABLES.items()}
    groups |= {"all": every, "all but quoted": [cell for cell in every if cell["how"] != "quoted"]}
    rows = [["Table", "Cells", *(verdict.capitalize() for verdict in VERDICTS)]]
    for name, cells in groups.items():
        found = Counter(cell["verdict"] for cell in cells)
        rows.append([name, str(len(cells)), *(str(found[verdict]) for verdict in VERDICTS)])
    return align(rows)


def claim_rows(cells: Iterable[Mapping[str, Any]], second_observer: Mapping[str, Any]) -> list[str]:
    """Lay out one table of the paper as it prints it, each cell ``claimed -> ours``; then our second observer."""
    rows = [["Method", "Mode", "Pixels", *COLUMNS.values()]]
    for (method, mode, how, mask), own in groupby(cells, key=lambda cell: tuple(cell[name] for name in ROW)):
        texts = {cell["score"]: _cell(cell) for cell in own}
        name = display_name(method) + (", quoted" if how == "quoted" else "")
        rows.append([name, mode, PIXELS[mask], *(texts.get(score, "") for score in COLUMNS)])
    for mask, scores in second_observer.items():
        values = [short(scores[score]) if score in scores else "-" for score in COLUMNS]
        rows.append([f"{display_name('second_observer')}, ours", "", PIXELS[mask], *values])
    return align(rows)


def _cell(cell: Mapping[str, Any]) -> str:
    claimed, verdict = short(cell["claimed"]), cell["verdict"]
    if verdict in MARKS:
        return f"{claimed} -> {short(cell['ours'])} {MARKS[verdict]}"
    return f"{claimed} -> {'?' if verdict == NOT_COMPARABLE else verdict}"


def _how(dataset: str, tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if dataset not in tables:
        return [f"Not run: `dvc repro table@{dataset}`."]
    first = f"{tables[dataset]['images']} test images; [all of it](tables/{dataset}.md)."
    return [f"- {note}" for note in (first, *tables[dataset]["budget"])]


def _legend() -> list[str]:
    return [
        "- Cells read claimed -> ours, then yes (reproduced: the claim lies in our 95 % interval, or we are above it) "
        "or no (not reproduced, which on a reduced budget refutes nothing).",
        "- Not run: there is no such network or mode of ours. A question mark (not comparable): the paper does not "
        "say for which pixels it quotes the figure, or ours is undefined.",
        "- Quoted: taken by the paper from the rival's own paper, not rerun; its protocol may be another.",
        "- Where the paper names no mode, ours is the patched run, or the first mode where that was not run.",
    ]
