"""Weights on photographs of other data sets than they learned from: what users of published weights need to know."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.style import display_name, format_interval, format_score
from vesselbench.reports.tables import markdown_table

MODE = "whole"  # that all of them are predicted in
OF = "_of_"  # between a network and the data set that it learned from, in the label of a transfer


def generalisation_table(documents: Mapping[str, Mapping[str, Any]], datasets: Mapping[str, Any]) -> str:
    """Print AUC, its interval, and F1 of each network that was tried elsewhere, by where it learned and was tested.

    ``documents`` are the contents of metrics/tables/<dataset>.json. "" where nothing was tried.
    """
    found, networks = {}, {}
    for dataset, document in documents.items():
        for item in (*document.get("protocols", ()), *document.get("transfers", ())):
            if (item["mode"], item["protocol"], item["seed"]) == (MODE, str(HEADLINE["fov"]), 0):
                found[item["label"], dataset] = item["scores"]
                network, _, learned = item["label"].partition(OF)
                networks |= {network: None} if learned else {}
    rows = []
    for network in networks:
        for learned in datasets:
            row = {"Network": display_name(network), "Learned from": display_name(learned)}
            for tested in datasets:
                scores = found.get((network if tested == learned else f"{network}{OF}{learned}", tested))
                row[f"Tested on {display_name(tested)}"] = _cell(scores) if scores else "not run"
            rows.append(row)
    return markdown_table(pd.DataFrame(rows)) if rows else ""


def _cell(scores: Mapping[str, Mapping[str, float]]) -> str:
    auc = scores["auc"]
    interval = format_interval(auc["low"], auc["high"])
    return f"{format_score(auc['value'])} ({interval}), {format_score(scores['f1']['value'])}"
