"""Scores as text for the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vesselbench.metrics.protocol import Protocol
from vesselbench.metrics.scores import SCORES
from vesselbench.metrics.statistics import Comparison
from vesselbench.reports.layout import align, bounds, digits_of, p_value, score_name, short


def score_lines(summary: Mapping[str, Any], protocol: Protocol) -> list[str]:
    """Lay out every score of one protocol with its interval."""
    own = summary["scores"][str(protocol)]
    rows = [["Score", "Value", "95 % interval"]]
    rows += [[score_name(name), number(name, own[name]["value"]), ends(name, own[name])] for name in SCORES]
    return align(rows)


def protocol_lines(summary: Mapping[str, Any], protocols: Sequence[Protocol], scores: Sequence[str]) -> list[str]:
    """Lay out some scores under many protocols, one a row."""
    rows = [["Protocol", *map(score_name, scores)]]
    for protocol in protocols:
        own = summary["scores"][str(protocol)]
        rows.append([str(protocol), *(number(name, own[name]["value"]) for name in scores)])
    return align(rows)


def comparison_lines(
    names: tuple[str, str],
    summaries: tuple[Mapping[str, Any], Mapping[str, Any]],
    comparisons: Mapping[str, Comparison],
    protocol: Protocol,
) -> list[str]:
    """Lay out two sets of maps side by side: difference, interval, Wilcoxon's p, and whether the data support it."""
    rows = [["Score", *names, "Difference", "95 % interval", "Wilcoxon p", "The data say"]]
    for name, found in comparisons.items():
        values = [number(name, summary["scores"][str(protocol)][name]["value"]) for summary in summaries]
        difference = short(found.difference, "+", digits_of(name))
        interval = bounds(found.low, found.high, "+", digits_of(name))
        supported = "supported" if found.supported else "not supported"
        rows.append([score_name(name), *values, difference, interval, p_value(found.p_value), supported])
    return align(rows)


def number(name: str, value: float | None) -> str:
    """Write a score; ``-`` where it is undefined or withheld."""
    return "-" if value is None else short(value, digits=digits_of(name))


def ends(name: str, values: Mapping[str, float | None]) -> str:
    """Write a score's interval; ``-`` where it has none."""
    low, high = (math.nan if values[end] is None else values[end] for end in ("low", "high"))
    return bounds(low, high, digits=digits_of(name))
