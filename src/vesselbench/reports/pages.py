"""Pages for people: the table of one data set, the summary of all, model cards; each from a Jinja template."""

import ast
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

import vesselbench
from vesselbench.files import whole_file
from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports import kinds, style, tables
from vesselbench.reports.ablations import ablation_claims, ablation_tables, first_split
from vesselbench.reports.claims import (
    AGAIN,
    NOT_RUN,
    OURS,
    PREFERRED,
    REPRODUCED,
    RESIZED,
    ROW,
    VERDICTS,
    implied_protocols,
    paper_claims,
    verdicts_twice,
)
from vesselbench.reports.comparisons import (
    COMPARED,
    compare_readings,
    comparisons,
    folded,
    noise_floor,
    seed_spread,
)
from vesselbench.reports.overview import generalisation_table
from vesselbench.reports.runs import OBSERVER, Results, scores_of
from vesselbench.reports.style import SCORES, display_name, format_score

CODE = Path(vesselbench.__file__).parent
PAPER_TABLES = {"drive": "Table 1", "chase_db1": "Table 2", "stare": "Table 3"}

# A paper's schedule: steps, and batch, rows and columns of what a step shows. IterNet: 200 epochs of floor(100 n / 32)
# steps for n training images; BF-Net of 2021: 1,500 epochs of whole photographs, resized (released codes).
SCHEDULES = {"drive": (12400, 32, 128, 128), "chase_db1": (12400, 32, 128, 128), "stare": (10000, 32, 128, 128)}
SCHEDULES |= {"drive_av": (13500, 2, 592, 592), "les_av": (7500, 2, 720, 800), "hrf_av": (16500, 2, 592, 880)}
REDUCED = "**a reduced budget**"
RIVALS = ("unet", "denseblock_unet", "deform_unet", "wnet", "wnet_own")  # beside IterNet at a glance
Channels = Mapping[str, Results]  # of all listed runs of a data set: vessel; where kinds are told, also the other ones


def render(template: str, **content: Any) -> str:
    """Fill a template of ``templates``, in which functions of ``tables``, ``kinds`` and ``style`` are known by name."""
    spaces = dict.fromkeys(("trim_blocks", "lstrip_blocks", "keep_trailing_newline"), True)
    loader = jinja2.PackageLoader("vesselbench.reports")
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, **spaces)
    environment.globals |= vars(style) | vars(kinds) | vars(tables)
    environment.globals |= {"noise_floor": noise_floor, "seed_spread": seed_spread}
    return environment.get_template(f"{template}.md.j2").render(content)


def budget_note(dataset: str, recipe: Mapping[str, Any]) -> str:
    """Say how long a recipe trains a network, against the paper's schedule where it has one for the data set.

    The two are compared by the pixels they show a network: steps x batch x area. Less is called a reduced budget.
    """
    if not recipe["steps"]:
        return "Training: none, a classical method."
    steps, batch, patch, scale = recipe["steps"], recipe["batch"], recipe["patch"], recipe.get("scale", 1)
    rows, columns = (side // scale for side in ([patch, patch] if isinstance(patch, int) else patch))
    text, full = f"Training: {steps:,} steps of {batch} patches of {rows} x {columns} pixels", SCHEDULES.get(dataset)
    text += f" (photographs at 1/{scale} of their sides)" * (scale > 1)
    if not full:
        return f"{text}."
    share = steps * batch * rows * columns / math.prod(full)
    whose, what = ("the paper's", "patches") if dataset in PAPER_TABLES else ("BF-Net's", "photographs")
    paper = "{} {:,} steps of {} {} of {} x {}.".format(whose, *full[:2], what, *full[2:])
    less = f"{REDUCED}: {100 * share:.2g} % of the pixels of" if share < 1 else "no fewer pixels than"
    return f"{text}, {less} {paper}"


def budget_notes(results: Results) -> list[str]:
    """Say how long the networks were trained: once for all, or each different budget with the labels it is of."""
    notes: dict[str, list[str]] = {}
    for label, about in results.maps.drop_duplicates("label")[["label", "about"]].itertuples(index=False):
        notes.setdefault(budget_note(results.folder.name, about["recipe"]), []).append(display_name(label))
    named = [f"{note.removesuffix('.')} ({', '.join(labels)})." for note, labels in notes.items()]
    return named if len(notes) > 1 else list(notes)


def write_tables(
    folder: Path,
    channels: Channels,
    main: Results,
    observers: Mapping[str, Results | None],
    transfers: Results | None = None,
) -> None:
    """Write ``<dataset>.json`` and ``<dataset>.md`` into ``folder``, which is ``metrics/tables``.

    ``main`` are the ``main_results`` of the channel of vessels. ``observers``: split -> the second observer of its test
    images, None where not all have one; the main split first. ``transfers``: weights that learned from other data sets.
    """
    results, observer = channels["vessel"], next(iter(observers.values()), None)
    own = first_split(results)
    claims, pairs, folds = paper_claims(results.folder.name), comparisons(main), folded(results)
    pixels = main.maps["stored"].iloc[0]["pixels"] if len(main.maps) else {}
    cells = verdicts_twice(claims, main.averages, implied_protocols(claims, pixels))
    numbers, told = kinds.kind_section(channels) if "kinds" in channels else ({}, {})
    ablations, budget = {} if told else ablation_tables(own), budget_notes(own)
    shared = {"images": len(own.maps["stored"].iloc[0]["images"]) if len(own.maps) else 0, "labels": main.labels}
    document = tables.metrics(results) | (tables.metrics(observer) if observer else {}) | shared
    document |= {
        "claims": tables.as_items(cells),
        "ablations": tables.as_items(ablation_claims(own)) if ablations else [],
        "comparisons": tables.as_items(pairs),
        "folds": tables.as_items(folds),
        "protocols": tables.protocol_list(main),
        "transfers": tables.protocol_list(transfers) if transfers else [],
        "budget": budget,
    } | numbers
    rest = [split for split in [*observers][1:] if split not in set().union(*folds["splits"])]
    others = {split: (results.keep(results.maps["split"] == split), observers[split]) for split in rest}
    content = {"dataset": results.folder.name, "main": main, "observer": observer, "cells": cells, "pairs": pairs}
    content |= {"folds": folds, "others": others, "ablations": ablations, "budget": budget, "reduced": REDUCED}
    modes = [*main.maps["mode"][main.maps["label"].isin(main.labels[:1])]]
    mode = PREFERRED if PREFERRED in modes else modes[-1] if modes else ""
    read = compare_readings(main, mode, "iternet", "unet")
    content |= {"transfers": transfers, "read": read, "mode": mode}
    document["connectivity"] = tables.as_items(read)
    page = render("table", kinds=told, **shared, **content)
    for suffix, text in {"json": tables.as_json(document), "md": page}.items():
        with whole_file(folder / f"{results.folder.name}.{suffix}") as path:
            path.write_text(text)


def card(channels: Channels, run: str) -> str:
    """Write the card of one run, with the scores of its first mode."""
    scores, dataset = {}, channels["vessel"].folder.name
    for channel in [name for name in ("artery", "vein", "vessel") if name in channels]:
        own = channels[channel].keep(channels[channel].maps["run"] == run)
        maps = own.maps.iloc[0].to_dict()
        averages = scores_of(own.averages, maps["label"], maps["mode"], HEADLINE["fov"])
        shown = averages.reindex([*SCORES, "cldice"]).rename_axis("score").reset_index()
        scores[channel] = tables.text_table(shown, ["score", "value", "interval"])
    about, budget = maps["about"], budget_note(dataset, maps["about"]["recipe"])
    sheet, page = data_sheet(dataset)
    content = {"name": run, "dataset": dataset, "maps": maps, "about": about, "sheet": sheet, "page": page}
    content |= {"method": network_method(about["network"]), "scores": scores}
    return render("card", budget=budget, reduced=REDUCED in budget, **content)


def network_method(network: str) -> str:
    """Give the docstring of a network's module as Markdown: what it is, and the paper it is from."""
    text = ast.get_docstring(ast.parse((CODE / "models" / f"{network}.py").read_text())) or ""
    return "\n\n".join(map(_joined, text.split("\n\n")))


def data_sheet(dataset: str) -> tuple[dict[str, str], str]:
    """Read the docstring of a data set's module: heading -> text, ``""`` -> the title; and its owner's page, or ``""``.

    The code is not run: a report needs none of what it imports.
    """
    paths = (CODE / "datasets" / f"{dataset}.py", CODE / "datasets" / dataset / "source.py")
    tree = ast.parse(next(path for path in paths if path.exists()).read_text())
    pages = [node.value.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "page"]
    title, *sections = re.split(r"\n+(?=\S)", ast.get_docstring(tree) or "")
    parts = (section.partition(": ") for section in sections)
    return {"": title} | {heading: _joined(text) for heading, _, text in parts}, next(iter(pages), "")


def _joined(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def summary(documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Write the page from data set -> content of its ``metrics/tables/<dataset>.json``, of those that have been run.

    Data sets that the paper does not report on are named, no more.
    """
    claims = claims_of(documents)
    rows = {name: claim_rows(cells, documents.get(name, {}).get(OBSERVER, {})) for name, cells in claims.items()}
    content = {"glance": glance(documents, claims), "counts": count_table(claims), "rows": rows}
    content |= {"generalisation": generalisation_table(documents, PAPER_TABLES)}
    return render("summary", titles=PAPER_TABLES, documents=documents, **content)


def claims_of(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, pd.DataFrame]:
    """List the claims of each of the paper's data sets with our verdicts (see ``summary``); "not run" of the others."""
    claims = {name: paper_claims(name).assign(verdict=NOT_RUN) for name in PAPER_TABLES}
    claims |= {name: pd.DataFrame(own["claims"]) for name, own in documents.items() if name in PAPER_TABLES}
    columns = [*ROW, "score", "claimed", *OURS, *AGAIN, *RESIZED]
    return {name: own.reindex(columns=columns) for name, own in claims.items()}


def glance(documents: Mapping[str, Mapping[str, Any]], claims: Mapping[str, pd.DataFrame]) -> str:
    """Print what most readers come for: IterNet's main scores in the field of view, claimed and ours, and ``RIVALS``'.

    The mode is that of ours beside the claim, else patched; of a method without these, its first. ""
    where nothing was run.
    """
    own = {name: documents[name] for name in claims if name in documents}
    rivals = [label for label in RIVALS if any(label in document["labels"] for document in own.values())]
    rows = []
    for name, document in own.items():
        cells = claims[name].query("method == 'iternet' and mask == 'fov' and mode != 'whole'")
        for cell in cells.set_index("score", drop=False).loc[list(COMPARED)].to_dict("records"):
            row = {"data set": name, "IterNet, claimed": cell["claimed"], "IterNet, ours": cell["ours"], **cell}
            row |= {"as the row implies": cell["implied_ours"]}
            for rival in (*rivals, OBSERVER):
                found = document.get(rival, {})
                if found and "fov" not in found:  # by mode, then by seed
                    mode = next((mode for mode in (cell["ours_mode"], PREFERRED) if mode in found), next(iter(found)))
                    found = next(iter(found[mode].values()))
                row[rival] = format_score(found["fov"].get(cell["score"], math.nan)) if found else ""
            rows.append(row)
    ours = ["IterNet, claimed", "IterNet, ours", "interval", "verdict", "as the row implies", "implied_verdict"]
    return tables.text_table(pd.DataFrame(rows), ["data set", "score", *ours, *rivals, OBSERVER])


def count_table(claims: Mapping[str, pd.DataFrame]) -> str:
    """Count the verdicts on each table's cells, and on those alone that the paper does not quote."""
    groups = {f"{title[6:]}, {display_name(name)}": claims[name] for name, title in PAPER_TABLES.items()}
    groups["all"] = pd.concat(claims.values())
    groups["all but quoted"] = groups["all"].query("how != 'quoted'")
    counts = {name: cells["verdict"].value_counts().reindex(VERDICTS, fill_value=0) for name, cells in groups.items()}
    table = pd.DataFrame(counts).T.assign(table=[*groups], cells=[len(cells) for cells in groups.values()])
    again = [cells["implied_verdict"].dropna() for cells in groups.values()]
    table["reproduced as implied"] = [f"{(own == REPRODUCED).sum()} of {len(own)}" for own in again]
    return tables.text_table(table, ["table", "cells", *VERDICTS, "reproduced as implied"])


def claim_rows(cells: pd.DataFrame, second_observer: Mapping[str, Mapping[str, float]]) -> str:
    """Print one table of the paper as it prints it, each cell ``claimed -> ours``; then our second observer."""
    rows = []
    for key, own in cells.groupby(ROW, sort=False):
        texts = {cell["score"]: _claimed_and_ours(**cell) for cell in own.to_dict("records")}
        rows.append(dict(zip(ROW, key, strict=True)) | texts)
        rows[-1]["method"] = display_name(rows[-1]["method"]) + ", quoted" * (rows[-1]["how"] == "quoted")
    for mask, scores in second_observer.items():
        texts = {score: format_score(scores.get(score, math.nan)) for score in SCORES}
        rows.append({"method": f"{display_name(OBSERVER)}, ours", "mode": "", "mask": mask} | texts)
    return tables.text_table(pd.DataFrame(rows).fillna(""), ["method", "mode", "mask", *SCORES])


def _claimed_and_ours(claimed: float, ours: float, verdict: str, implied_protocol: Any, **own: Any) -> str:
    text = f"{format_score(claimed)} -> {_judged(ours, verdict)}"
    if not isinstance(implied_protocol, str) or "-native-" in implied_protocol:
        return text
    return f"{text.strip()}, {_judged(own['implied_ours'], own['implied_verdict'])}"


def _judged(ours: float, verdict: str) -> str:
    judged = {"reproduced": f"{format_score(ours)} yes", "not reproduced": f"{format_score(ours)} no "}  # of one width
    return (judged | {"not comparable": "?"}).get(verdict, verdict)
