"""The sentences under a table: a figure is never printed without how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vesselbench.reports.claims import paper_claims

# The paper's schedule: 200 epochs of floor(100 n / 32) steps for n training images (released code).
PAPER_STEPS = {"drive": 12400, "chase_db1": 12400, "stare": 10000}
PAPER_BATCH, PAPER_PATCH = 32, 128


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
        return f"{text}, **a reduced budget**: {100 * share:.2g} % of the pixels of {paper}."
    return f"{text}, no fewer pixels than {paper}."


def prediction_note(
    name: str, /, *, mode: str, patch: int, stride: int, hardware: Mapping[str, Any], **_: object
) -> str:
    """Say how the maps of the mode called ``name`` came about, from the parameters stored with them."""
    way = "each image in one pass"
    if mode == "patched":
        way = f"patches of {patch} x {patch} pixels at stride {stride}, overlaps averaged"
    return f"Mode {name}: {way}; precision {hardware['precision']}."


def protocol_notes(protocol: Mapping[str, Any], several_seeds: bool) -> list[str]:
    """Say how the scores were computed, from the protocol that they were stored with."""
    lines = [
        f"Protocol: pixels of all {protocol['images']} test images pooled; "
        f"vessel where {protocol['threshold']}; truth: {protocol['truth']}.",
        f"Connectivity (paper, Eq. 3): {protocol['connectivity']}.",
    ]
    return lines + (["± is the sample standard deviation over seeds."] if several_seeds else [])


def observer_notes(second_observer: Mapping[str, Any] | None) -> list[str]:
    """Give the reason for each score withheld from the second observer, whose maps are labels."""
    withheld = second_observer["protocol"].get("withheld", {}) if second_observer else {}
    return [f"The second observer has no AUC: {withheld['auc']}."] if "auc" in withheld else []


def paper_notes(dataset: str) -> list[str]:
    """Explain the rows of the paper, for a data set that it reports on."""
    if not paper_claims(dataset, "fov"):
        return []
    lines = [
        "Paper: IterNet (WACV 2020); its own method (own), rivals run by its authors (rerun), or figures "
        "taken from the rivals' papers (quoted), whose protocol may be another."
    ]
    if not paper_claims(dataset, "frame"):
        lines.append("The paper prints no whole-frame scores for this data set.")
    return lines
