"""What the page of an artery/vein data set adds: how well the kinds of vessel are told, and BF-Net's claims."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports import tables
from vesselbench.reports.ablations import main_results
from vesselbench.reports.claims import RELEASED, bfnet_claims, verdicts
from vesselbench.reports.comparisons import comparisons
from vesselbench.reports.runs import Results
from vesselbench.reports.style import display_name, format_score

REST = ("sensitivity", "specificity", "f1", "auc", "auc_pr", "connectivity", "cldice")  # a kind against the rest
PIXELS = ("sensitivity", "specificity", "balanced_accuracy", "accuracy")  # of arteries against veins
SHOWN = {  # of the channel kinds: table -> its scores
    "all": (*(f"all_{name}" for name in PIXELS), "ties"),
    "found": (*(f"found_{name}" for name in PIXELS), "found_share"),
    "segments": ("mixed_segments", "minority_share"),
}
TOLD = {"kinds": ("all_balanced_accuracy", "found_balanced_accuracy", "mixed_segments"), "artery": ("f1",)}
TOLD |= {"vein": TOLD["artery"]}  # channel -> scores by which methods are compared
PRINTED = ("sensitivity", "balanced_accuracy", "pr_two_point", "f1", "error")  # by BF-Net, for each of:
OF = ("weighted", "mended", "artery", "vein", "uncertain")
CALLED = ["background", "artery", "vein", "crossing"]  # what a map may call a pixel
CLAIM = ["source", "table", "method", "of", "score", "over_checkpoints", "ours", "interval", "verdict"]


def kind_section(channels: Mapping[str, Results]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what the channels kinds, artery and vein add to a data set's JSON file, and what ``kinds.md.j2`` shows."""
    main = {name: main_results(own) for name, own in channels.items()}
    parts = [comparisons(main[name], scores).assign(channel=name) for name, scores in TOLD.items()]
    pairs = pd.concat([part for part in parts if len(part)] or parts[:1])
    claims = bfnet_claims(main["kinds"].folder.name)
    claims = verdicts(claims, main["kinds"].averages, claims["mask"].map({"fov": RELEASED}))
    protocols = {str(protocol): protocol for protocol in (HEADLINE["fov"], RELEASED)}
    numbers = {name: tables.metrics(channels[name]) for name in ("artery", "vein")}
    numbers |= {"kinds": tables.metrics(channels["kinds"], protocols), "kind_comparisons": tables.as_items(pairs)}
    numbers |= {"bfnet_claims": tables.as_items(claims)} if len(claims) else {}
    return numbers, main | {"pairs": pairs, "claims": claims}


def confusion_table(results: Results) -> str:
    """Print which kind of vessel was called which: pixels, those of all seeds added, as shares of their true kind."""
    table = results.curves("confusion", ["truth", *CALLED])
    table = table.assign(method=table["label"].map(display_name))
    counts = table.groupby(["method", "mode", "truth"], sort=False)[CALLED].sum()
    shares = 100 * counts.div(counts.sum(axis=1), axis=0)
    texts = shares.map("{:.1f} %".format) + counts.map(" ({:,})".format)
    texts = texts.where(shares.notna(), "-").rename(columns="called {}".format).reset_index()
    return tables.markdown_table(texts.rename(columns=str.capitalize))


def released_table(results: Results) -> str:
    """Print the scores that BF-Net prints under its protocol, as released and mended."""
    rows, averages = [], results.averages.xs(str(RELEASED), level="protocol")
    for (label, mode), own in averages.groupby(level=["label", "mode"], sort=False):
        for of in OF:
            head = {"Method": display_name(label), "Mode": mode, "Of": display_name(of)}
            scores = own.droplevel(["label", "mode"]).rename({f"{of}_{name}": name for name in PRINTED})
            rows += tables.score_rows(head, scores, PRINTED)
    return tables.markdown_table(pd.DataFrame(rows).fillna(""))


def bfnet_table(cells: pd.DataFrame) -> str:
    """Print BF-Net's claims beside ours, one a line."""
    parts = cells["score"].str.extract(r"^(?P<of>[a-z]+)_(?P<score>\w+)$")
    claimed = [f"{format_score(own.claimed)} ± {format_score(own.spread)}" for own in cells.itertuples()]
    return tables.text_table(cells.assign(**parts, over_checkpoints=claimed), CLAIM)
