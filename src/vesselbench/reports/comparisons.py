"""Differences between models: which of them the test images support."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product

from vesselbench.metrics.protocol import HEADLINE, Protocol
from vesselbench.metrics.statistics import CONFIDENCE, Comparison, compare
from vesselbench.reports.averages import average, image_scores
from vesselbench.reports.collect import Results, Run
from vesselbench.reports.layout import score_name, short

COMPARED = ("auc", "f1", "connectivity")
EVERY_PAIR = 4  # of so many models at most; of more, the first with each of the others
PROTOCOL = HEADLINE["fov"]


@dataclass(frozen=True)
class Pair:
    """Two models in one mode, by one score: first minus second."""

    score: str
    mode: str
    first: str
    second: str
    found: Comparison

    def as_dict(self) -> dict[str, str | float | bool]:
        """All of it by name, for JSON: numbers rounded to 6 digits, undefined ones left out."""
        known = {"score": self.score, "mode": self.mode, "first": self.first, "second": self.second}
        known |= {name: round(value, 6) for name, value in vars(self.found).items() if value == value}
        return known | {"supported": bool(self.found.supported), "protocol": str(PROTOCOL)}


def comparisons(results: Results) -> list[Pair]:
    """Compare models in every mode by each score of ``COMPARED``; scores that one lacks are left out.

    Every pair of a few models; of more than ``EVERY_PAIR`` the first with each other one. Several seeds stand for their
    mean, image by image and draw by draw.
    """
    pairs = []
    for score in COMPARED:
        modes = dict.fromkeys(mode for model in results.values() for mode in model)
        for mode in modes:
            models = [model for model in results if mode in results[model]]
            pairings = combinations(models, 2) if len(models) <= EVERY_PAIR else product(models[:1], models[1:])
            for first, second in pairings:
                found = compare_runs(results[first][mode], results[second][mode], PROTOCOL, score)
                if found:
                    pairs.append(Pair(score, mode, first, second, found))
    return pairs


def compare_runs(
    first: Mapping[int, Run], second: Mapping[int, Run], protocol: Protocol, score: str
) -> Comparison | None:
    """Compare two models on the same images by one score; seed -> run of each; None where one lacks the score."""
    both = (first, second)
    found = [average(seeds, protocol, score) for seeds in both]
    if None in found:
        return None
    images = tuple(image_scores(seeds, protocol, score) for seeds in both)
    return compare(tuple(own.value for own in found), tuple(own.draws for own in found), images)


def noise_floor(results: Results, pairs: list[Pair], images: int) -> list[str]:
    """Say in words which differences are too small for these images and seeds, and where they are too few."""
    lines = []
    widest: dict[str, float] = {}
    for pair in pairs:
        half = (pair.found.high - pair.found.low) / 2
        if half == half:
            widest[pair.score] = max(half, widest.get(pair.score, 0))
    if widest:
        lines.append(
            f"Noise floor: on these {images} images no difference below {_list(widest)} is resolved (half the widest "
            f"95 % interval of a paired difference; a pair that errs on the same pixels does better)."
        )
    least = 2 / 2**images
    if least >= 1 - CONFIDENCE:
        lines.append(
            f"**Too few images: with {images} test images Wilcoxon's p is at least {short(least)}, so no difference "
            "can be called supported.**"
        )
    return [*lines, _spread_over_seeds(results)]


def _spread_over_seeds(results: Results) -> str:
    runs = [seeds for modes in results.values() for seeds in modes.values()]
    if len(runs[0]) == 1:
        return "One seed: the spread over seeds is unknown; the intervals hold what other images would change, no more."
    spreads: dict[str, float] = {}
    for score in COMPARED:
        found = [own.spread for seeds in runs if (own := average(seeds, PROTOCOL, score))]
        if found:
            spreads[score] = max(found)
    return (
        f"Spread over {len(runs[0])} seeds, sample standard deviation of the model where it is largest: "
        f"{_list(spreads)}; the intervals, of the mean over seeds, do not hold it."
    )


def _list(values: dict[str, float]) -> str:
    names = {score: score_name(score) for score in values}
    names |= {"connectivity": "connectivity"}  # amid a sentence
    return ", ".join(f"{short(value)} in {names[score]}" for score, value in values.items())
