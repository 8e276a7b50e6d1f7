"""Claimed against ours: every cell of the paper's tables, with a verdict."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.averages import Average, average
from vesselbench.reports.claims import Claim, paper_claims
from vesselbench.reports.collect import Results
from vesselbench.reports.layout import COLUMNS

REPRODUCED, NOT_REPRODUCED, NOT_RUN = "reproduced", "not reproduced", "not run"
NOT_COMPARABLE = "not comparable"  # the paper does not say for which pixels, or our score is undefined
VERDICTS = (REPRODUCED, NOT_REPRODUCED, NOT_RUN, NOT_COMPARABLE)
PREFERRED = "patched"  # the mode held against a claim that names none


@dataclass(frozen=True)
class Cell:
    """One cell of a table of the paper, and ours.

    Attributes
    ----------
    claim
        The row that it stands in.
    score, claimed
        Which score, and the value printed.
    mode
        The mode of ours: the claim's, else the one held against it; empty where there is none.
    verdict
        One of ``VERDICTS``.
    ours
        None unless there is a score of ours to compare.
    """

    claim: Claim
    score: str
    claimed: float
    mode: str
    verdict: str
    ours: Average | None = None

    def as_dict(self) -> dict[str, str | float]:
        """All of it by name, for JSON: numbers rounded to 6 digits, what there is not left out."""
        claim = self.claim
        known = {
            "table": claim.table,
            "method": claim.model,
            "mode": claim.mode,
            "how": claim.how,
            "mask": claim.mask,
            "score": self.score,
            "claimed": self.claimed,
            "verdict": self.verdict,
        }
        if self.ours:
            low, high = self.ours.bounds
            numbers = {"ours": self.ours.value, "difference": self.ours.value - self.claimed, "low": low, "high": high}
            known |= {name: round(value, 6) for name, value in numbers.items() if value == value}
            known |= {"ours_mode": self.mode, "protocol": str(HEADLINE[claim.mask])}
        return known


def verdicts(dataset: str, results: Results) -> list[Cell]:
    """Compare every cell of the paper's table of a data set with ours, in the paper's order.

    Ours is the mean over seeds under the headline protocol of the claim's mask.
    """
    cells = []
    for claim in paper_claims(dataset):
        modes = results.get(claim.model, {})
        mode = mode_held_against(claim, modes)
        for score in COLUMNS:
            if score in claim.scores:
                claimed = claim.scores[score]
                comparable = mode in modes and claim.mask in HEADLINE
                ours = average(modes[mode], HEADLINE[claim.mask], score) if comparable else None
                cells.append(Cell(claim, score, claimed, mode, judge(claimed, ours, mode in modes), ours))
    return cells


def mode_held_against(claim: Claim, modes: Collection[str]) -> str:
    """Choose the mode of ours for a claim: its own, else the patched run, else the first; "" where there is none."""
    return claim.mode or (PREFERRED if PREFERRED in modes else next(iter(modes), ""))


def judge(claimed: float, ours: Average | None, was_run: bool) -> str:
    """Say what ours (None: undefined, or not run) makes of a claim."""
    if ours:
        low, high = ours.bounds
        return REPRODUCED if low <= claimed <= high or ours.value >= claimed else NOT_REPRODUCED
    return NOT_COMPARABLE if was_run else NOT_RUN
