"""The tables of one data set: as numbers for ``dvc metrics``, and as text for people."""

import json
import math
from collections.abc import Iterable, Mapping
from textwrap import indent
from typing import Any

import pandas as pd

from vesselbench.metrics.protocol import HEADLINE, Protocol
from vesselbench.reports.runs import WAY, Results
from vesselbench.reports.style import SCORES, display_name, format_interval, format_score

INTERVAL = "95 % interval"
DIFFERENCE = ["score", "mode", "first", "second", "difference", "interval", "p_value", "supported"]
CLAIM = ["table", "method", "mode", "mask", "score", "claimed", "ours", "difference", "interval", "verdict"]
CLAIM += ["implied", "implied_ours", "implied_verdict"]
FOLD = ["model", "recipe", "mode", "seed", "folds", "images", "score", "mean", "interval", "spread"]


def markdown_table(table: pd.DataFrame) -> str:
    """Lay a frame of text out as Markdown, columns of figures to the right."""
    sides = ["right" if table[column].str.match(r"[-+.<\d]|$").all() else "left" for column in table]
    return table.to_markdown(index=False, disable_numparse=True, colalign=sides)


def text_table(frame: pd.DataFrame, columns: Iterable[str], titles: Mapping[str, str] | None = None) -> str:
    """Print these columns of a frame as Markdown, and as ``interval`` what reaches from low to high; no rows give "".

    Floats are scores, the row's ``score`` says which; words, but modes, get their display names, as columns without one
    of ``titles`` do; a column in which nothing stands is left out.
    """
    rows = []
    for row in frame.to_dict("records"):
        sign = "+" if "p_value" in row else ""  # of a difference
        score = row.get("score", "")
        row["interval"] = format_interval(row["low"], row["high"], score, sign) if "low" in row else ""
        rows.append({name: _cell(name, row[name], score) for name in columns})
    names = {name: display_name(name)[:1].upper() + display_name(name)[1:] for name in columns}
    table = pd.DataFrame(rows).rename(columns=names | (titles or {}))
    return markdown_table(table.loc[:, (table != "").any()]) if rows else ""


def _cell(name: str, value: Any, score: str) -> str:
    if name == "supported":
        return "supported" if value else "not supported"
    if isinstance(value, float):
        return format_score(value, name if name == "p_value" else score, "+" if name == "difference" else "")
    return str(value) if name == "mode" else display_name(str(value))


def score_rows(head: Mapping[str, str], averages: pd.DataFrame, scores: Iterable[str]) -> list[dict[str, str]]:
    """Make a row of scores behind its ``head``, with the spread over seeds of several, and one of their intervals.

    ``averages`` has an index of scores and columns value, low, high and, of several seeds, spread.
    """
    values, intervals = dict(head), {"Method": INTERVAL}
    for score, own in averages.reindex(list(scores)).iterrows():
        spread = own.get("spread", math.nan)
        spread = "" if pd.isna(spread + own["value"]) else f" ± {format_score(spread, score)}"
        values[display_name(score)] = format_score(own["value"], score) + spread
        intervals[display_name(score)] = format_interval(own["low"], own["high"], score)
    return [values, intervals]


def score_table(results: Iterable[Results | None], mask: str, scores: Iterable[str]) -> str:
    """Print scores under a mask's headline protocol by label and mode, intervals below; an observer has no mode."""
    rows, averages = [], pd.concat(own.averages for own in results if own)
    chosen = averages.xs(str(HEADLINE[mask]), level="protocol")
    for (label, mode), own in chosen.groupby(level=["label", "mode"], sort=False):
        seeds = int(own["seeds"].iloc[0])
        source = "labels" if not mode else "ours" if seeds == 1 else f"ours, {seeds} seeds"
        head = {"Method": display_name(label), "Mode": mode, "Source": source}
        rows += score_rows(head, own.droplevel(["label", "mode"]), scores)
    return markdown_table(pd.DataFrame(rows).fillna(""))


def protocol_table(results: Results, label: str, mode: str) -> str:
    """Print the paper's scores of one label and mode under every protocol that it was scored under."""
    rows, averages = [], results.averages
    for name, own in averages.xs((label, mode), level=["label", "mode"]).groupby(level="protocol", sort=False):
        words = dict(zip(("Pixels", "Pooling", "Size", "Threshold"), map(display_name, name.split("-")), strict=True))
        rows.append(score_rows(words, own.droplevel("protocol"), SCORES)[0])
    return markdown_table(pd.DataFrame(rows))


def claim_table(cells: pd.DataFrame) -> str:
    """Print the paper's cells beside ours, one a line; a mode in brackets is ours where the paper names none."""
    mode = cells["mode"].where(cells["mode"] != "", "(" + cells["ours_mode"] + ")").fillna("")
    method = cells["method"].map(display_name) + cells["how"].map({"quoted": ", quoted"}).fillna("")
    implied = cells["implied_protocol"].str.split("-").str[2].fillna("")
    table = cells["table"].str.removeprefix("table ")
    cells = cells.fillna({"implied_verdict": ""})
    return text_table(cells.assign(table=table, method=method, mode=mode, implied=implied), CLAIM)


def map_table(results: Results) -> str:
    """Print how the maps of each label and mode were predicted, and the threshold chosen on the training images."""
    chosen = [stored["thresholds"].get("training", {}).get("threshold") for stored in results.maps["stored"]]
    maps = results.maps.assign(threshold=[f"{value:.3f}".lstrip("0") if value else "-" for value in chosen])
    maps["flips"] = ["mean of 4" if flips else "" for flips in maps["flips"]]
    maps = maps.groupby(["label", "mode", *WAY], sort=False)["threshold"].agg(" / ".join).reset_index()
    maps = maps.replace({name: {0: ""} for name in WAY[1:]})
    return text_table(maps, maps.columns, {"flips": "Mirror images"})


def reading_table(results: Results, mode: str) -> str:
    """Print connectivity in a mode under every reading of the paper's gaps, ours first, a column a label."""
    readings, table = ["neighbours", "levels", "smallest", "skeleton"], results.curves("sensitivity")
    table = table[table["mode"] == mode].pivot_table("connectivity", readings, "label", sort=False).reset_index()
    return text_table(table.assign(reading=["ours"] + [""] * (len(table) - 1)), ["reading", *table.columns])


def metrics(results: Results, protocols: Mapping[str, Protocol] = HEADLINE) -> dict[str, Any]:
    """Nest scores under these protocols as label -> mode -> seed -> name of the protocol -> score, rounded to 6 digits.

    The second observer has no mode and no seed. Undefined scores are left out: ``dvc metrics`` compares numbers.
    """
    nested, names = {}, {str(protocol): name for name, protocol in protocols.items()}
    for row in results.scores[results.scores["protocol"].isin(names)].dropna(subset="value").itertuples():
        node = nested.setdefault(row.label, {})
        for key in (*((row.mode, str(row.seed)) if row.mode else ()), names[row.protocol]):
            node = node.setdefault(key, {})
        node[row.score] = round(row.value, 6)
    return nested


def protocol_list(results: Results) -> list[dict[str, Any]]:
    """List the paper's scores of every run under every protocol: score -> value, low, high."""
    whose, items = ["label", "mode", "seed", "protocol"], []
    for key, own in results.scores[results.scores["score"].isin(SCORES)].groupby(whose, sort=False):
        values = dict(zip(own["score"], as_items(own[["value", "low", "high"]]), strict=True))
        items.append(dict(zip(whose, key, strict=True)) | {"scores": values})
    return items


def as_items(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn rows into mappings for JSON: numbers rounded to 6 digits, what is not known left out."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    known = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return [{name: round(own, 6) if isinstance(own, float) else own for name, own in row.items()} for row in known]


def as_json(document: Mapping[str, Any]) -> str:
    """Write mappings indented, and each item of a list on one line: ``dvc metrics`` shows the former alone."""
    parts = []
    for key, value in document.items():
        text = json.dumps(value, indent=2)
        if isinstance(value, list):
            text = "[\n" + ",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in value) + "\n]"
        parts.append(indent(f"{json.dumps(key)}: {text}", "  "))
    return "{\n" + ",\n".join(parts) + "\n}\n"
