"""Parts of IterNet taken away or changed (paper, section 5), its outputs (Figure 3) and strides (supplement)."""

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from vesselbench.reports.claims import paper_claims, verdicts
from vesselbench.reports.comparisons import COMPARED, PROTOCOL, Maps, compare_pairs
from vesselbench.reports.curves import caption, no_run_figure
from vesselbench.reports.runs import Results, scores_of
from vesselbench.reports.style import FIXED, display_name, format_score
from vesselbench.reports.tables import DIFFERENCE, markdown_table, score_rows, text_table

LAST = 4  # the output of IterNet that is its answer
REFERENCE = "iternet"  # the label that all others are held against
CHANGED = ("iternet_n1", "iternet_n2", "iternet_n3", REFERENCE, "iternet_n5")  # the others differ from it in one thing
CHANGED += ("iternet_unshared", "iternet_no_skip", "iternet_unet_refinery")
FIGURE, OUTPUT = "figure 3", r"^iternet_out(\d)$"  # and what reported.csv calls an output there
SIZES = {"drive": (584, 565), "chase_db1": (960, 999), "stare": (605, 700)}  # rows, columns: see the data sheets
POINTS = ["label", "mode", "stride", "patches", *(score + end for score in COMPARED for end in ("", "_low", "_high"))]


def first_split(results: Results) -> Results:
    """Keep the runs on the split of the first run of the data set."""
    return results.keep(results.maps["split"] == next(iter(results.maps["split"]), ""))


def main_results(results: Results) -> Results:
    """Keep what the main tables show: on the first split, the networks' answers, at the first stride of each run.

    Left out, for the section on ablations: networks changed in one thing, earlier outputs, further strides.
    """
    own = first_split(results)
    own = own.keep((own.maps["output"] == 0) & ~own.maps["model"].isin(set(CHANGED) - {REFERENCE}))
    return own.keep((own.maps["how"] != "patched") | ~own.maps.duplicated(["run", "channel", "how"]))


def outputs(results: Results) -> dict[int, str]:
    """List output -> the mode of IterNet that shows it, the last the answer predicted alike; {} without others."""
    maps = results.maps[results.maps["label"] == REFERENCE].drop_duplicates("mode").sort_values("output")
    earlier, answers = maps[maps["output"] > 0], maps[maps["output"] == 0]
    shown = pd.concat([earlier, answers[answers["how"].isin(earlier["how"])].head(1)])
    return {output or LAST: mode for output, mode in zip(shown["output"], shown["mode"], strict=True)}


def strides(results: Results) -> dict[int, str]:
    """List stride -> the mode of IterNet's answer, smallest first, whole images (0) last; {} below two strides."""
    maps = results.maps[(results.maps["label"] == REFERENCE) & (results.maps["output"] == 0)].drop_duplicates("mode")
    patched, whole = maps[maps["how"] == "patched"].sort_values("stride"), maps[maps["how"] == "whole"]
    modes = [*patched["mode"], *whole["mode"].head(1)]
    return dict(zip([*patched["stride"], 0], modes, strict=False)) if len(patched) > 1 else {}


def ablation_claims(results: Results) -> pd.DataFrame:
    """Hold ours against the areas under the curve that the paper claims of IterNet, its outputs and its ablations."""
    claims, shown = paper_claims(results.folder.name, ("table 1", "section 5", FIGURE)), outputs(results)
    numbers = claims["method"].str.extract(OUTPUT)[0].dropna().astype(int)
    claims.loc[numbers.index, "mode"] = [shown.get(number, f"output{number}") for number in numbers]
    claims.loc[numbers.index, "method"] = REFERENCE
    wanted = (claims["score"] == "auc") & (claims["mask"] == "fov") & claims["method"].isin(CHANGED)
    return verdicts(claims[wanted], results.averages)


def ablation_tables(results: Results) -> dict[str, str]:
    """Lay out what was changed in IterNet, of one split and channel, as Markdown tables, as far as it was run.

    Keys design, outputs, strides, and differences: to IterNet itself, to its answer, to its smallest stride.
    """
    maps = list(results.maps[["label", "mode"]].drop_duplicates().itertuples(index=False, name=None))
    modes = dict.fromkeys(mode for label, mode in maps if label in CHANGED and label != REFERENCE)
    designs = [(label, mode) for mode in modes for label in CHANGED if (label, mode) in maps]
    shown, tried = ([(REFERENCE, mode) for mode in list_modes(results).values()] for list_modes in (outputs, strides))
    pairs = [(own, (REFERENCE, own[1])) for own in designs if (REFERENCE, own[1]) in maps]
    pairs += [(own, shown[-1]) for own in shown] + [(own, tried[0]) for own in tried]
    cells = ablation_claims(results)
    tables = {
        "design": _table(results, designs, cells[cells["table"] != FIGURE]),
        "outputs": _table(results, shown, cells[cells["table"] == FIGURE]),
        "strides": _table(results, tried, cells[:0]),
        "differences": text_table(compare_pairs(results, [both for both in pairs if both[0] != both[1]]), DIFFERENCE),
    }
    return {name: table for name, table in tables.items() if table}


def _table(results: Results, maps: Sequence[Maps], cells: pd.DataFrame) -> str:
    """Print scores of each (label, mode), its interval below, with size, training loss and the paper's claim."""
    loss, lines = results.training().groupby(["label", "seed"])["last_output"].last().groupby("label").mean(), []
    for label, mode in maps:
        about = results.maps.loc[results.maps["label"] == label, "about"].iloc[0]
        size = {"Parameters": f"{about['parameters']:,}", "Training loss": format_score(loss.get(label, math.nan))}
        head = {"Method": display_name(label), "Mode": mode} | size
        row, intervals = score_rows(head, scores_of(results.averages, label, mode, PROTOCOL), COMPARED)
        for cell in cells[(cells["method"] == label) & (cells["ours_mode"] == mode)].itertuples():
            row |= {"Claimed AUC": format_score(cell.claimed), "Verdict": cell.verdict}
        lines += [row, intervals]
    return markdown_table(pd.DataFrame(lines).fillna("")) if lines else ""


def stride_points(results: Results) -> pd.DataFrame:
    """Score IterNet at every stride (0: whole images) and count the patches that an image takes: columns ``POINTS``."""
    rows = []
    for stride, mode in strides(results).items():
        own = results.maps[(results.maps["label"] == REFERENCE) & (results.maps["mode"] == mode)].iloc[0]
        area = sum(own["stored"]["pixels"]["frame"]["native"].values()) / len(own["stored"]["images"])
        sides = SIZES.get(results.folder.name, [math.sqrt(area)] * 2)  # the phantom is square
        counts = [math.ceil(max(side - own["patch"], 0) / stride) + 1 if stride else 1 for side in sides]
        scores = scores_of(results.averages, REFERENCE, mode, PROTOCOL).reindex(list(COMPARED))
        rows.append((REFERENCE, mode, stride, math.prod(counts), *scores[["value", "low", "high"]].to_numpy().flat))
    return pd.DataFrame(rows, columns=POINTS)


def strides_figure(dataset: str, points: pd.DataFrame) -> Figure:
    """Draw AUC and connectivity against the patches that an image takes, a point a stride; see ``stride_points``."""
    if points.empty:
        return no_run_figure(dataset, "strides of prediction")
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    for axes, score in zip(figure.subplots(1, 2), ("auc", "connectivity"), strict=True):
        for point in points.to_dict("records"):
            x, value, low, high = point["patches"], *(point[score + end] for end in ("", "_low", "_high"))
            axes.errorbar(x, value, [[value - low], [high - value]], fmt="o", color=FIXED[REFERENCE], capsize=3)
            name = f"stride {point['stride']}" if point["stride"] else "whole image"
            place = {"xytext": (0, 5), "textcoords": "offset points", "ha": "center", "fontsize": 9}
            axes.annotate(f"{name}\n{format_score(value)}", (x, high), **place)
        axes.set(xscale="log", xlabel="Patches an image", ylabel=display_name(score))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.margins(x=0.15, y=0.18)  # room for the names
        axes.grid(color="0.9", linewidth=0.6)
    caption(figure, dataset, "strides of prediction", "bars: 95 %, test images resampled, the same for every stride")
    return figure
