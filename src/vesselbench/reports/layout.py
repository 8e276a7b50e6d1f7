"""How scores are named and printed, and rows laid out."""

from __future__ import annotations

from collections.abc import Sequence

COLUMNS = {  # the paper's, in its order
    "connectivity": "Connectivity",
    "f1": "F1",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "accuracy": "Accuracy",
    "auc": "AUC",
}
MORE_COLUMNS = {
    "cldice": "clDice",
    "betti_0": "Betti-0 error",
    "betti_1": "Betti-1 error",
    "precision": "Precision",
    "iou": "IoU",
    "mcc": "MCC",
    "kappa": "Kappa",
    "auc_pr": "AUC-PR",
}
HEADINGS = {"fov": "Inside the field of view", "frame": "Whole frame, without the mask"}
PIXELS = {"fov": "field of view", "frame": "whole frame", "unknown": "not said"}
TEXT = frozenset(
    ("Data set", "Method", "Mode", "Source", "Table", "Pixels", "Score", "Verdict", "First", "Second", "The data say")
    + ("Pooling", "Truth", "Threshold", "Skeleton", "Protocol", "Possible with", "The paper says", "Output", "Stride")
    + ("Smallest segment",)
)  # columns of words, which stand to the left


def score_name(score: str) -> str:
    """Name a score as people write it."""
    return (COLUMNS | MORE_COLUMNS)[score]


def short(value: float, sign: str = "", digits: int = 4) -> str:
    """Print a number, a share (of many digits) without a zero before the point; ``sign="+"`` also for a plus."""
    text = f"{value:{sign}.{digits}f}"
    return text.replace("0.", ".", 1) if digits > 1 and text.lstrip("+-").startswith("0.") else text


def bounds(low: float, high: float, sign: str = "", digits: int = 4) -> str:
    """Print an interval; ``-`` where it is undefined."""
    return f"{short(low, sign, digits)} to {short(high, sign, digits)}" if low == low and high == high else "-"


def p_value(value: float) -> str:
    """Print the p of a test; ``-`` where it is undefined."""
    if value != value:
        return "-"
    return "< .0001" if value < 0.0001 else short(value)


def digits_of(score: str) -> int:
    """Digits to print after the point: fewer for counts."""
    return 1 if score.startswith("betti") else 4


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay rows, the first the heading, out as a Markdown table with columns of even width, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = ["<" if name in TEXT else ">" for name in rows[0]]
    rule = ["-" * width if side == "<" else "-" * (width - 1) + ":" for width, side in zip(widths, sides, strict=True)]
    return [
        "| " + " | ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)) + " |"
        for row in (rows[0], rule, *rows[1:])
    ]
