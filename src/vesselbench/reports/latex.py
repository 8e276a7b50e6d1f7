"""The table of one data set for a paper: ours with intervals, and the claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.claims import paper_claims
from vesselbench.reports.collect import Results, Run
from vesselbench.reports.layout import COLUMNS, HEADINGS
from vesselbench.reports.ours import own_rows
from vesselbench.reports.style import display_name

SPECIAL = {character: f"\\{character}" for character in "%_&#$"} | {"±": "$\\pm$"}
GROUPS = HEADINGS | {"unknown": "Pixels not said by the paper"}


def latex(dataset: str, results: Results, second_observer: Run | None, budget: Sequence[str]) -> str:
    """Write a ``tabular`` that needs the package booktabs alone; comments above it give the protocol and the budget."""
    seeds = next(iter(next(iter(results.values())).values()))
    run = next(iter(seeds.values())).scores
    lines = [
        f"% {display_name(dataset)}; needs \\usepackage{{booktabs}}",
        *(f"% Ours, {GROUPS[mask].lower()}: {protocol.description}" for mask, protocol in HEADLINE.items()),
        f"% {len(run['images'])} test images; intervals: {run['protocol']['interval']}",
        f"% Connectivity: {run['protocol']['connectivity']}",
        *(f"% {note}" for note in budget),
        "\\begin{tabular}{lll" + "r" * len(COLUMNS) + "}",
        "\\toprule",
        _row(["Method", "Mode", "Source", *COLUMNS.values()]),
    ]
    claims = paper_claims(dataset)
    for mask, heading in GROUPS.items():
        rows = own_rows(results, second_observer, mask, COLUMNS) if mask in HEADLINE else []
        for claim in claims:
            if claim.mask == mask:
                values = [f"{claim.scores[score]:.4f}" if score in claim.scores else "-" for score in COLUMNS]
                rows.append([display_name(claim.model), claim.mode, f"paper, {claim.how}", *values])
        if rows:
            title = f"\\multicolumn{{{3 + len(COLUMNS)}}}{{l}}{{{heading}}} \\\\"
            lines += ["\\midrule", title, "\\midrule", *map(_row, rows)]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _row(cells: Iterable[str]) -> str:
    return " & ".join(map(_escape, cells)) + " \\\\"


def _escape(text: str) -> str:
    for plain, written in SPECIAL.items():
        text = text.replace(plain, written)
    return text
