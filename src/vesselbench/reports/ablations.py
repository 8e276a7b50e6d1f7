"""Parts of IterNet taken away or changed (paper, section 5, Figure 3, supplement), ours beside the paper's claims."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.averages import average
from vesselbench.reports.claims import MASKS, PAPER, Claim, paper_claims, read_reported
from vesselbench.reports.collect import Key, Results, Run
from vesselbench.reports.comparisons import COMPARED, PROTOCOL, Pair, compare_runs
from vesselbench.reports.verdicts import Cell, judge, mode_held_against

SECTION, FIGURE = "section 5", "figure 3"  # where the paper prints figures of ablations, but for those of its Table 1
OUTPUT = "iternet_out"  # before the number of an output, in reported.csv
SAID = {  # by the paper, in words; the order is that of the tables
    "iternet_n1": "the plain UNet",
    "iternet_n2": "",
    "iternet_n3": "",
    "iternet": "N = 4: the network itself",
    "iternet_n5": '"only a minor improvement" beyond N = 4',
    "iternet_unshared": '"serious overfitting": training loss low, test loss high',
    "iternet_no_skip": "",
    "iternet_unet_refinery": "worse on all three data sets; figures in a supplement",
}


@dataclass(frozen=True)
class Study:
    """The ablations of one data set, as the stages before left them.

    Attributes
    ----------
    dataset
        Its name.
    reference
        The network that all others are held against; one trained network, predicted in several ways.
    results
        Of the reference, whose modes are these ways, and of the networks changed in one thing.
    made
        Content of prediction.json of the same runs.
    losses
        Model -> training loss of its last output at the end, mean over seeds; a model that learnt nothing is left out.
    networks
        Model -> content of ``data/networks/<model>.json``.
    """

    dataset: str
    reference: str
    results: Results
    made: Mapping[Key, Mapping[str, Any]]
    losses: Mapping[str, float]
    networks: Mapping[str, Mapping[str, Any]]

    @property
    def models(self) -> list[str]:
        """All networks in the order of ``SAID``, others after them."""
        known = [model for model in SAID if model in self.results]
        return known + [model for model in self.results if model not in known]

    @property
    def ways(self) -> dict[str, Mapping[str, Any]]:
        """Mode -> how the maps of the reference were made in it."""
        modes = self.results[self.reference]
        return {mode: self.made[self.reference, mode, next(iter(seeds))] for mode, seeds in modes.items()}

    def outputs(self) -> dict[int, str]:
        """Output of the reference -> the mode that shows it; the last is the mode alike but for showing the answer.

        Empty where no mode shows an earlier output.
        """
        earlier = [(way["output"], mode, way) for mode, way in self.ways.items() if way["output"]]
        if not earlier:
            return {}
        how = _manner(earlier[0][2])
        found = {output: mode for output, mode, way in sorted(earlier, key=lambda each: each[0]) if _manner(way) == how}
        last = self.networks[self.reference]["arguments"].get("iterations", max(found) + 1)
        answer = [mode for mode, way in self.ways.items() if not way["output"] and _manner(way) == how]
        return found | ({last: answer[0]} if answer else {})

    def strides(self) -> dict[int, str]:
        """Stride -> the mode of the reference's answer at it, smallest first; 0, the last, for whole images."""
        found = {_manner(way)[1]: mode for mode, way in self.ways.items() if not way["output"]}
        return {stride: found[stride] for stride in sorted(found, key=lambda stride: stride or math.inf)}


def _manner(way: Mapping[str, Any]) -> tuple[str, int]:
    return way["mode"], way["stride"] if way["mode"] == "patched" else 0


def ablation_claims(study: Study) -> list[Claim]:
    """List the areas under the ROC curve that the paper claims inside the field of view: of the reference, of section 5
    and of Figure 3. The mode of the latter is the one of ours that shows this output."""
    claims = [claim for claim in paper_claims(study.dataset) if claim.model == study.reference and claim.mask == "fov"]
    reported = read_reported()
    chosen = reported["table"].isin((SECTION, FIGURE)) & (reported["metric"] == "auc")
    outputs = study.outputs()
    for row in reported[chosen & (reported["source"] == PAPER) & (reported["dataset"] == study.dataset)].itertuples():
        model, mode = row.method, ""
        if row.table == FIGURE:
            number = int(row.method.removeprefix(OUTPUT))
            model, mode = "iternet", outputs.get(number, f"output{number}")
        claims.append(Claim(model, mode, row.how, row.table, MASKS[row.fov], {"auc": row.value}))
    return claims


def ablation_cells(study: Study) -> list[Cell]:
    """Hold ours against each claim, by the rules of ``vesselbench.reports.verdicts``."""
    cells = []
    for claim in ablation_claims(study):
        modes = study.results.get(claim.model, {})
        mode = mode_held_against(claim, modes)
        ours = average(modes[mode], HEADLINE[claim.mask], "auc") if mode in modes else None
        claimed = claim.scores["auc"]
        cells.append(Cell(claim, "auc", claimed, mode, judge(claimed, ours, mode in modes), ours))
    return cells


def ablation_pairs(study: Study, modes: Sequence[str]) -> list[Pair]:
    """Compare every network with the reference in these modes, then outputs with the last, strides with the smallest.

    Of outputs and strides, ``mode`` is empty, and ``first`` and ``second`` are modes of the reference.
    """
    reference, pairs = study.results[study.reference], []
    for mode in modes:
        runs = {model: study.results[model][mode] for model in study.models if mode in study.results[model]}
        pairs += _against(runs, study.reference, mode)
    outputs, strides = list(study.outputs().values()), list(study.strides().values())
    for ways, base in ((outputs, outputs[-1:]), (strides, strides[:1])):
        pairs += _against({mode: reference[mode] for mode in ways}, *base) if base else []
    return pairs


def _against(runs: Mapping[str, Mapping[int, Run]], base: str, mode: str = "") -> list[Pair]:
    pairs = []
    for score in COMPARED if base in runs else ():
        for name, seeds in runs.items():
            found = compare_runs(seeds, runs[base], PROTOCOL, score) if name != base else None
            pairs += [Pair(score, mode, name, base, found)] if found else []
    return pairs


def stride_points(study: Study, bench: Mapping[str, Any]) -> pd.DataFrame:
    """Score and time the reference at every stride.

    Parameters
    ----------
    study
        The runs.
    bench
        Content of ``metrics/bench/<device>.json``.

    Returns
    -------
    pandas.DataFrame
        Columns mode, stride (0: whole images), seconds of an image of the bench's size (NaN where the bench is of
        another network or patch), computed (not measured, but from patches a second); auc, auc_low, auc_high; the same
        of f1 and connectivity.
    """
    rows = []
    for stride, mode in study.strides().items():
        seconds, computed = prediction_seconds(bench, study.reference, stride, study.ways[mode]["patch"])
        row = {"mode": mode, "stride": stride, "seconds": seconds, "computed": computed}
        for score in COMPARED:
            found = average(study.results[study.reference][mode], PROTOCOL, score)
            values = (found.value, *found.bounds) if found else (math.nan,) * 3
            row |= dict(zip((score, f"{score}_low", f"{score}_high"), values, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def prediction_seconds(bench: Mapping[str, Any], model: str, stride: int, patch: int) -> tuple[float, bool]:
    """Find the seconds of an image at a stride (0: in one pass), and whether they are computed.

    What was not measured is the number of patches over the patches a second of the measured stride.
    """
    settings, found = bench["settings"], bench["prediction"]
    if settings["network"]["name"] != model or (stride and settings["patch"] != patch):
        return math.nan, False
    for image in found["images"]:
        if (image["stride"] or 0) == stride:
            return image["seconds"], image["computed"]
    if not stride:
        return math.nan, False
    patches = math.prod(max(0, math.ceil((side - patch) / stride)) + 1 for side in settings["image"])
    return patches / found["product"]["patches_per_second"], True
