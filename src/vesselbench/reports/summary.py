"""All tables of the paper on one page: every claim beside ours, with its verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from vesselbench.reports.layout import COLUMNS, PIXELS, align, bounds, score_name, short
from vesselbench.reports.style import display_name
from vesselbench.reports.verdicts import NOT_COMPARABLE, NOT_REPRODUCED, REPRODUCED, VERDICTS, verdicts

PAPER_TABLES = {"drive": "Table 1", "chase_db1": "Table 2", "stare": "Table 3"}
MARKS = {REPRODUCED: "yes", NOT_REPRODUCED: "no "}  # of one width
ROW = ("method", "mode", "how", "mask")  # what the cells of one row of the paper share
GLANCE = ("auc", "f1", "connectivity")


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
    lines = ["# Tables 1-3 of IterNet (WACV 2020): claimed, and ours", "", *glance(tables), ""]
    lines += [*count_table(claims), "", *_legend(), ""]
    for dataset, title in PAPER_TABLES.items():
        lines += [f"## {title}: {display_name(dataset)}", "", *_how(dataset, tables), ""]
        lines += [*claim_rows(claims[dataset], tables.get(dataset, {}).get("second_observer", {})), ""]
    others = [name for name in tables if name not in PAPER_TABLES]
    lines += [f"- {display_name(name)}: not in the paper; see [its table](tables/{name}.md)." for name in others]
    return "\n".join(lines).rstrip("\n") + "\n"


def glance(tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lay out what most readers come for: IterNet's main scores in the field of view, claimed and ours, and rivals'.

    The mode is patched, as the claim's; for a method without such a row, its first.
    """
    parts = {name: tables[name] for name in PAPER_TABLES if name in tables}
    models = list(dict.fromkeys(name for part in parts.values() for name in part if _is_run(part[name])))
    rivals = [name for name in models if name != "iternet"]
    heading = ["Data set", "Score", "IterNet, claimed", "IterNet, ours", "95 % interval", "Verdict"]
    rows = [[*heading, *map(display_name, rivals)]]
    for dataset, part in parts.items():
        claims = [c for c in part["claims"] if (c["method"], c["mask"]) == ("iternet", "fov") and c["mode"] != "whole"]
        for claim in sorted((c for c in claims if c["score"] in GLANCE), key=lambda c: GLANCE.index(c["score"])):
            score, ran = claim["score"], claim["verdict"] in MARKS
            ours = [short(claim["ours"]), bounds(claim["low"], claim["high"])] if ran else ["", ""]
            texts = [_of_rival(part.get(name, {}), claim.get("ours_mode"), score) for name in rivals]
            rows.append(
                [display_name(dataset), score_name(score), short(claim["claimed"]), *ours, claim["verdict"], *texts]
            )
    return align(rows) if len(rows) > 1 else ["No data set of the paper has been run."]


def _is_run(entry: Any) -> bool:
    """Tell the results of a model or observer from the lists and numbers that stand beside them."""
    return isinstance(entry, Mapping)


def _of_rival(entry: Mapping[str, Any], mode: str | None, score: str) -> str:
    if not entry:
        return ""
    scores = entry if "fov" in entry else next(iter(entry.get(mode, next(iter(entry.values()))).values()))
    return short(scores["fov"][score]) if score in scores["fov"] else "-"


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
        "- The first table: inside the field of view, IterNet patched; rivals in the same mode, or in their only one.",
        "- Cells of Tables 1-3 read claimed -> ours, then yes (reproduced: the claim lies in our 95 % interval, or we "
        "are above it) or no (not reproduced, which on a reduced budget refutes nothing).",
        "- Not run: there is no such network or mode of ours. A question mark (not comparable): the paper does not "
        "say for which pixels it quotes the figure, or ours is undefined.",
        "- Quoted: taken by the paper from the rival's own paper, not rerun; its protocol may be another.",
        "- Where the paper names no mode, ours is the patched run, or the first mode where that was not run.",
    ]
