"""The sentences around the tables: a figure is never printed without how it came about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vesselbench.metrics.protocol import HEADLINE, Protocol
from vesselbench.reports.averages import average
from vesselbench.reports.collect import Key, Results, Run
from vesselbench.reports.layout import COLUMNS, score_name, short
from vesselbench.reports.style import display_name
from vesselbench.reports.verdicts import NOT_COMPARABLE, PREFERRED, Cell

# The paper's schedule: 200 epochs of floor(100 n / 32) steps for n training images (released code).
PAPER_STEPS = {"drive": 12400, "chase_db1": 12400, "stare": 10000}
PAPER_BATCH, PAPER_PATCH = 32, 128
REDUCED = "**a reduced budget**"


def budget_note(dataset: str, steps: int, batch: int, patch: int) -> str:
    """Say how long the networks were trained, against the paper's schedule where it has one for the data set.

    The two are compared by the pixels they show a network: steps x batch x patch². Less is called a reduced
    budget.
    """
    text = f"Training: {steps:,} steps of {batch} patches of {patch} x {patch} pixels"
    if dataset not in PAPER_STEPS:
        return f"{text}."
    full = PAPER_STEPS[dataset]
    share = steps * batch * patch**2 / (full * PAPER_BATCH * PAPER_PATCH**2)
    paper = f"the paper's {full:,} steps of {PAPER_BATCH} patches of {PAPER_PATCH} x {PAPER_PATCH}"
    if share < 1:
        return f"{text}, {REDUCED}: {100 * share:.2g} % of the pixels of {paper}."
    return f"{text}, no fewer pixels than {paper}."


def budget_notes(dataset: str, made: Mapping[Key, Mapping[str, Any]]) -> list[str]:
    """Say how every network was trained: ``budget_note`` once for all, or for each recipe with those it trained."""
    told = []
    for (model, _, _), how in made.items():
        recipe = how["recipe"]
        note = "Training: none, a classical method."
        if recipe:
            note = budget_note(dataset, recipe["steps"], recipe["batch"], recipe["patch"])
        told.append((note, model))
    trained = _models_by_note(told)
    return list(trained) if len(trained) == 1 else [_with_models(note, models) for note, models in trained.items()]


def budget_warning(budget: Sequence[str]) -> list[str]:
    """Say how to read verdicts on networks trained on a reduced budget."""
    if not any(REDUCED in note for note in budget):
        return []
    return ['So a verdict here is one on this budget: "not reproduced" does not refute a claim made on the full one.']


def prediction_notes(made: Mapping[Key, Mapping[str, Any]]) -> list[str]:
    """Say how the maps of every mode came about; where models differ in it, which ones."""
    ways = _models_by_note((prediction_note(mode, **how), model) for (model, mode, _), how in made.items())
    modes = [note.split(":")[0] for note in ways]
    return [
        note if modes.count(mode) == 1 else _with_models(note, models)
        for mode, (note, models) in zip(modes, ways.items(), strict=True)
    ]


def _models_by_note(told: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Collect the models that each note is told of, once each."""
    found: dict[str, dict[str, None]] = {}
    for note, model in told:
        found.setdefault(note, {})[model] = None
    return {note: list(models) for note, models in found.items()}


def _with_models(note: str, models: Iterable[str]) -> str:
    return f"{note.removesuffix('.')} ({', '.join(map(display_name, models))})."


def prediction_note(
    name: str,
    /,
    *,
    mode: str,
    patch: int,
    stride: int,
    training_stride: int,
    output: int,
    hardware: Mapping[str, Any],
    **_: object,
) -> str:
    """Say how the maps of the mode called ``name`` came about, from the parameters stored with them."""
    way = "each image in one pass"
    if mode == "patched":
        way = f"patches of {patch} x {patch} pixels at stride {stride}, overlaps averaged"
        if training_stride > stride:
            way += f" (training images, for the threshold, at stride {training_stride})"
    if output:
        way += f", output {output} of the network"
    return f"Mode {name}: {way}; precision {hardware['precision']}."


def protocol_notes(scores: Mapping[str, Any], seeds: int) -> list[str]:
    """Say how the scores were computed, from what was stored with them."""
    fixed, words = scores["thresholds"]["fixed"], scores["protocol"]
    lines = [
        f"Protocol, unless a table says otherwise: pixels of all {len(scores['images'])} test images pooled; truth at "
        f"its native size; vessel where p >= {fixed['threshold']} (16-bit level >= {fixed['level']}).",
        f"Truth: {words['truth']}.",
        f"Connectivity (paper, Eq. 3): {words['connectivity']}.",
        f"Topology: {words['topology']}.",
        f"Intervals: {words['interval']}.",
    ]
    return lines + (["± is the sample standard deviation over seeds."] if seeds > 1 else [])


def threshold_notes(results: Results) -> list[str]:
    """Say which threshold was chosen on the training images for each model and mode."""
    chosen, rule = [], ""
    for model, modes in results.items():
        for mode, seeds in modes.items():
            found = [run.scores["thresholds"].get("training") for run in seeds.values()]
            if all(found):
                values = " / ".join(short(own["threshold"], digits=3) for own in found)
                chosen.append(f"{display_name(model)} {mode} {values}")
                rule = f"{len(found[0]['images'])} training images ({found[0]['rule']})"
    return [f"Thresholds chosen on {rule}: {', '.join(chosen)}."] if chosen else []


def observer_notes(second_observer: Run | None) -> list[str]:
    """Give the reason for the scores withheld from the second observer, whose maps are labels."""
    withheld = second_observer.scores["withheld"] if second_observer else {}
    return [f"The second observer has no AUC: {withheld['auc']}."] if "auc" in withheld else []


def claim_notes(cells: Sequence[Cell]) -> list[str]:
    """Say what the verdicts mean and what was compared with what."""
    lines = [
        "Reproduced: the claim lies in our interval, or we are above it. The wider the interval, the less that says; "
        "and each cell is judged by itself, though sensitivity and specificity trade against each other.",
        "Ours is scored under the headline protocol of the claim's pixels (pooled, native truth, fixed threshold), and "
        "for connectivity under our reading of Eq. 3, which leaves choices open: see the tables below.",
        "IterNet (WACV 2020) prints its own method, rivals run by its authors, and rivals' figures taken from "
        "their papers (marked quoted), whose protocol may be another.",
    ]
    if any(cell.ours and not cell.claim.mode for cell in cells):
        lines.append(
            f"A mode in brackets is not named by the paper: ours is then the {PREFERRED} run, or the first mode where "
            "that was not run."
        )
    if any(cell.verdict == NOT_COMPARABLE for cell in cells):
        lines.append(
            "Not comparable: the paper does not say for which pixels it quotes the figure, or ours is undefined."
        )
    return lines


def round_trip_note(whose: str, seeds: Mapping[int, Run]) -> list[str]:
    """Say what the resize round trip of the released code does to the scores inside the field of view."""
    native, resized = HEADLINE["fov"], Protocol("fov", truth="resized")
    changes = []
    for score in COLUMNS:
        one, other = (average(seeds, protocol, score) for protocol in (native, resized))
        if one and other:
            changes.append(f"{score_name(score)} {short(other.value - one.value, '+')}")
    if not changes:
        return []
    return [
        f"The released code scores against truth that it took through a resize to a square and back. Of {whose}, "
        f"inside the field of view, that changes {', '.join(changes)}. The truth itself breaks into more segments on "
        "the way, which connectivity and the Betti-0 error feel most."
    ]
