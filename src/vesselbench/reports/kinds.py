"""What the page of an artery/vein data set adds: how well the kinds of vessel are told, and BF-Net's claims."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vesselbench.files import read_table
from vesselbench.metrics.bootstrap import image_weights, interval
from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports import tables
from vesselbench.reports.ablations import main_results
from vesselbench.reports.claims import RELEASED, bfnet_claims, verdicts
from vesselbench.reports.comparisons import DRAWS, comparisons
from vesselbench.reports.runs import PLACE, Results
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
    own, dataset = main["kinds"], main["kinds"].folder.name
    parts = [comparisons(main[name], scores).assign(channel=name) for name, scores in TOLD.items()]
    pairs = pd.concat([part for part in parts if len(part)] or parts[:1])
    released = released_averages(own)
    claims = verdicts(bfnet_claims(dataset), released, {"fov": RELEASED})
    names = {name: name for name in map(str, (HEADLINE["fov"], RELEASED))}
    numbers = {name: tables.metrics(channels[name]) for name in ("artery", "vein")}
    numbers |= {"kinds": tables.metrics(channels["kinds"], names), "kind_comparisons": tables.as_items(pairs)}
    numbers |= {"bfnet_claims": tables.as_items(claims)} if len(claims) else {}
    shown = {name: tables.score_table([main[name]], "fov", REST) for name in ("artery", "vein")}
    shown |= {name: tables.score_table([own], "fov", scores) for name, scores in SHOWN.items()}
    shown |= {"pairs": tables.text_table(pairs, ["channel", *tables.DIFFERENCE]), "confusion": confusion_table(own)}
    shown |= {"released": released_table(released), "claims": claim_table(claims)}
    return numbers, shown | {"words": own.maps["stored"].iloc[0]["protocol"]}


def confusion_table(results: Results) -> str:
    """Print which kind of vessel was called which: pixels, those of all seeds added, as shares of their true kind."""
    parts = []
    for own in results.maps.to_dict("records"):
        path = results.folder.joinpath(*(own[part] for part in PLACE), "confusion.csv")
        table = read_table(path, ["truth", *CALLED], f"run 'dvc repro evaluate@{own['run']}' first")
        parts.append(table.assign(method=display_name(own["label"]), mode=own["mode"]))
    counts = pd.concat(parts).groupby(["method", "mode", "truth"], sort=False)[CALLED].sum()
    shares = 100 * counts.div(counts.sum(axis=1), axis=0)
    texts = shares.map("{:.1f} %".format) + counts.map(" ({:,})".format)
    texts = texts.where(shares.notna(), "-").rename(columns="called {}".format).reset_index()
    return tables.markdown_table(texts.rename(columns=str.capitalize))


def released_averages(results: Results) -> pd.DataFrame:
    """Average as ``Results.averages``, under BF-Net's protocol, whose intervals come from the images' own scores."""
    averages = results.averages.xs(str(RELEASED), level="protocol", drop_level=False).copy()
    for key in averages.index[averages["seeds"] > 1]:
        images = results.image_scores(*key[:2], RELEASED, key[3])
        draws = image_weights(len(images), DRAWS)[1:] @ images.to_numpy() / len(images)
        averages.loc[key, ["low", "high"]] = interval(draws)
    return averages


def released_table(averages: pd.DataFrame) -> str:
    """Print the scores that BF-Net prints, as released and mended; ``averages`` are under its protocol."""
    rows = []
    for (label, mode), own in averages.groupby(level=["label", "mode"], sort=False):
        scores = own.droplevel(["label", "mode", "protocol"])
        for of in OF:
            values, intervals = tables.format_row(scores.rename({f"{of}_{name}": name for name in PRINTED}), PRINTED)
            rows += [{"Method": display_name(label), "Mode": mode, "Of": display_name(of)} | values]
            rows += [{"Method": tables.INTERVAL} | intervals]
    return tables.markdown_table(pd.DataFrame(rows).fillna(""))


def claim_table(cells: pd.DataFrame) -> str:
    """Print BF-Net's claims beside ours, one a line."""
    parts = cells["score"].str.extract(r"^(?P<of>[a-z]+)_(?P<score>\w+)$")
    claimed = [f"{format_score(own.claimed)} ± {format_score(own.spread)}" for own in cells.itertuples()]
    return tables.text_table(cells.assign(**parts, over_checkpoints=claimed), CLAIM)
