"""The tables of one data set: numbers for ``dvc metrics``, Markdown for people, LaTeX for a paper."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

import pandas as pd

from vesselbench.files import whole_file
from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.collect import Results, Run
from vesselbench.reports.comparisons import comparisons
from vesselbench.reports.latex import latex
from vesselbench.reports.layout import COLUMNS
from vesselbench.reports.markdown import markdown
from vesselbench.reports.verdicts import verdicts


def write_tables(
    folder: Path,
    dataset: str,
    results: Results,
    second_observer: Run | None,
    sensitivity: pd.DataFrame,
    budget: Sequence[str],
    notes: Sequence[str] = (),
) -> str:
    """Write ``<dataset>.json``, ``<dataset>.md`` and ``<dataset>.tex`` into ``folder``; return the text of the second.

    Parameters
    ----------
    folder
        ``metrics/tables``.
    dataset
        Its name; for ``drive``, ``chase_db1`` and ``stare`` the paper's claims are held against ours.
    results, second_observer
        See ``vesselbench.reports.collect``; None where not all test images have a second observer.
    sensitivity
        ``read_curves("sensitivity.csv", ...)``: connectivity under other readings, by model and mode.
    budget
        How long the networks were trained, from ``vesselbench.reports.notes.budget_note``.
    notes
        Further lines to print below: how the maps were predicted.
    """
    cells, pairs = verdicts(dataset, results), comparisons(results)
    lists = {
        "claims": [cell.as_dict() for cell in cells],
        "comparisons": [pair.as_dict() for pair in pairs],
        "protocols": protocols(results),
        "budget": list(budget),
    }
    text = markdown(dataset, results, second_observer, cells, pairs, sensitivity, budget, notes)
    for suffix, content in (
        ("json", as_json(metrics(results, second_observer) | lists)),
        ("md", text),
        ("tex", latex(dataset, results, second_observer, budget)),
    ):
        with whole_file(folder / f"{dataset}.{suffix}") as path:
            path.write_text(content)
    return text


def metrics(results: Results, second_observer: Run | None) -> dict[str, Any]:
    """Nest scores under the headline protocols as model -> mode -> seed -> mask -> score, rounded to 6 digits.

    The second observer stands beside the models as ``second_observer`` -> mask -> score, the number of test images as
    ``images``. Undefined and withheld scores are left out: ``dvc metrics`` compares numbers.
    """
    nested: dict[str, Any] = {
        model: {mode: {str(seed): _headlines(run) for seed, run in runs.items()} for mode, runs in modes.items()}
        for model, modes in results.items()
    }
    nested |= {"second_observer": _headlines(second_observer)} if second_observer else {}
    first = next(run for modes in results.values() for seeds in modes.values() for run in seeds.values())
    return nested | {"images": len(first.scores["images"])}


def protocols(results: Results) -> list[dict[str, Any]]:
    """List the paper's scores of every run under every protocol: score -> value, low, high."""
    return [
        {"model": model, "mode": mode, "seed": seed, "protocol": protocol}
        | {"scores": {score: known for score in COLUMNS if (known := _rounded(scores[score]))}}
        for model, modes in results.items()
        for mode, seeds in modes.items()
        for seed, run in seeds.items()
        for protocol, scores in run.scores["scores"].items()
    ]


def as_json(document: Mapping[str, Any]) -> str:
    """Write mappings indented, and each item of a list on one line: ``dvc metrics`` shows the former alone."""
    parts = []
    for key, value in document.items():
        if isinstance(value, list):
            text = "[\n" + ",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in value) + "\n]"
        else:
            text = json.dumps(value, indent=2)
        parts.append(indent(f"{json.dumps(key)}: {text}", "  "))
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _headlines(run: Run) -> dict[str, dict[str, float]]:
    return {
        mask: {
            score: round(bounded["value"], 6)
            for score, bounded in run.scores["scores"][str(protocol)].items()
            if bounded["value"] is not None
        }
        for mask, protocol in HEADLINE.items()
    }


def _rounded(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items() if value is not None}
