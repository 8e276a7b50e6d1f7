"""What the paper's rows tell of the pixels that they were computed on."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from vesselbench.metrics.consistency import jointly_possible
from vesselbench.metrics.protocol import TRUTHS
from vesselbench.reports.claims import paper_claims
from vesselbench.reports.layout import PIXELS, align, bounds, short
from vesselbench.reports.style import display_name

THREE = ("accuracy", "sensitivity", "specificity")
INTRODUCTION = (
    "Accuracy follows from sensitivity and specificity, given the share of vessel among the pixels: accuracy = "
    "sensitivity x share + specificity x (1 - share), if all pixels are pooled. So a row tells the share of vessel in "
    "the truth that it was scored on, as exactly as its digits allow, and whether that can be ours: the native truth, "
    "or that after the released code's resize round trip. Rows scored on different truths are not comparable."
)
UNNAMED = (
    "The paper does not name its test images of this data set; where the shares agree, that speaks for ours and proves "
    "nothing."
)
OFFICIAL_SPLIT = ("drive",)


def share_lines(dataset: str, pixels: Mapping[str, Any]) -> list[str]:
    """Lay out the share of vessel that each row of the paper implies, beside ours.

    Parameters
    ----------
    dataset
        A data set without claims gives no lines.
    pixels
        Of the test images: mask -> truth -> vessel, background.
    """
    rows = [["Method", "Mode", "Pixels", "Implied share", *(f"Ours, {truth}" for truth in TRUTHS), "Possible with"]]
    for claim in paper_claims(dataset):
        three = [claim.scores.get(score) for score in THREE]
        if claim.mask not in pixels or None in three:
            continue
        digits = max(len(str(value)) - 2 for value in claim.scores.values())  # as printed, but for ending zeros
        ours = {truth: pixels[claim.mask][truth] for truth in TRUTHS}
        fitting = [truth for truth, own in ours.items() if jointly_possible(*three, **own, digits=digits)]
        quoted = ", quoted" if claim.how == "quoted" else ""
        rows.append(
            [
                display_name(claim.model) + quoted,
                claim.mode,
                PIXELS[claim.mask],
                bounds(*implied_share(*three, digits)),
                *(short(own["vessel"] / (own["vessel"] + own["background"])) for own in ours.values()),
                " or ".join(fitting) or "neither",
            ]
        )
    if len(rows) == 1:
        return []
    said = [INTRODUCTION] if dataset in OFFICIAL_SPLIT else [INTRODUCTION, UNNAMED]
    return [*said, "", *align(rows)]


def implied_share(accuracy: float, sensitivity: float, specificity: float, digits: int) -> tuple[float, float]:
    """Give the least and the largest share of vessel that three printed scores can have been computed on.

    (specificity - accuracy) / (specificity - sensitivity), each off by up to half a unit of its last digit.
    """
    half = 0.5 * 10.0**-digits
    shares = [
        (specificity + up - accuracy - right) / (specificity + up - sensitivity - found)
        for up, right, found in product((-half, half), repeat=3)
    ]
    return min(shares), max(shares)
