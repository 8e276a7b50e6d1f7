"""All results of one set of maps, and the files that hold them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vesselbench.metrics.bands import drawn_tables
from vesselbench.metrics.connectivity import TOLERANCE
from vesselbench.metrics.consistency import check_scores, sizes
from vesselbench.metrics.levels import SIXTEEN_BIT, Scale
from vesselbench.metrics.protocol import MASKS, TRUTHS
from vesselbench.metrics.record import ImageRecord
from vesselbench.metrics.scores import NEED_PROBABILITIES, Draws, binary, draw_scores, image_table
from vesselbench.metrics.statistics import image_weights, interval
from vesselbench.metrics.threshold import ChosenThreshold, check_unseen

WITHHELD = "the maps hold 0 and 1 only: one operating point, no curve"


@dataclass(frozen=True)
class Evaluation:
    """Parameters under ``evaluate`` in params.yaml.

    Attributes
    ----------
    threshold
        The threshold fixed in advance: a pixel is vessel where its probability is at least this, in (0, 1].
    connectivity_tolerance
        The paper's alpha in Eq. 3, above 0.
    draws
        Bootstrap samples of the test images, at least 100.
    seed
        Of their random numbers.
    curve_points
        Most points of a stored curve, at least 2.
    """

    threshold: float = 0.5
    connectivity_tolerance: float = TOLERANCE
    draws: int = 2000
    seed: int = 0
    curve_points: int = 500

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}; it must be above 0 and at most 1")
        if not self.connectivity_tolerance > 0:
            raise ValueError(f"connectivity_tolerance is {self.connectivity_tolerance}; it must be above 0")
        if self.draws < 100:
            raise ValueError(f"draws is {self.draws}; it must be at least 100")
        if self.curve_points < 2:
            raise ValueError(f"curve_points is {self.curve_points}; it must be at least 2")


@dataclass(frozen=True)
class Evaluated:
    """What is known of one set of maps.

    Attributes
    ----------
    summary
        Content of scores.json.
    draws
        Protocol -> score -> bootstrap draws, (samples,).
    images
        See ``vesselbench.metrics.scores.image_table``.
    tables
        File name -> table for drawing: roc.csv, pr.csv, connectivity.csv, sensitivity.csv, calibration.csv.
    """

    summary: dict[str, Any]
    draws: Draws
    images: pd.DataFrame
    tables: dict[str, pd.DataFrame]

    @property
    def named_draws(self) -> dict[str, np.ndarray]:
        """The draws under ``"<protocol>/<score>"``, as they are stored."""
        return {f"{protocol}/{name}": draws for protocol, own in self.draws.items() for name, draws in own.items()}

    def write(self, folder: Path) -> None:
        """Write scores.json, draws.npz, images.csv and the tables into a folder that exists."""
        (folder / "scores.json").write_text(json.dumps(self.summary, indent=1) + "\n")
        np.savez_compressed(folder / "draws.npz", **self.named_draws)
        for name, table in ({"images.csv": self.images} | self.tables).items():
            table.to_csv(folder / name, index=False, float_format="%.6f")


def evaluate(
    records: Sequence[ImageRecord],
    thresholds: Mapping[str, int],
    evaluation: Evaluation,
    chosen: ChosenThreshold | None = None,
    scale: Scale = SIXTEEN_BIT,
) -> Evaluated:
    """Score a set of maps under every protocol, with intervals, and check the scores against one another.

    Parameters
    ----------
    records
        One an image, at least one, looked at with the same ``thresholds`` and ``scale``.
    thresholds
        ``fixed``, ``training`` -> the lowest level that is vessel.
    evaluation
        How to score.
    chosen
        Where the training threshold comes from, if there is one.

    Raises
    ------
    ValueError
        There is no record.
    UserError
        The training threshold was chosen on an image among them; or the scores contradict one another, see
        ``vesselbench.metrics.consistency``.
    """
    if chosen:
        check_unseen(chosen, [record.id for record in records])
    weights = image_weights(len(records), evaluation.draws, evaluation.seed) if records else np.ones((1, 0))
    images = image_table(records, thresholds, evaluation.connectivity_tolerance)
    samples = draw_scores(records, thresholds, images, weights)
    check_scores(records, thresholds, {p: {name: d[0] for name, d in own.items()} for p, own in samples.items()})
    summary = {
        "images": [record.id for record in records],
        "draws": evaluation.draws,
        "thresholds": _thresholds(thresholds, evaluation, chosen, scale),
        "pixels": {mask: {truth: _sizes(records, mask, truth) for truth in TRUTHS} for mask in MASKS},
        "protocol": _words(evaluation),
        "withheld": dict.fromkeys(NEED_PROBABILITIES, WITHHELD) if binary(records) else {},
        "scores": {str(p): {name: _bounded(draws) for name, draws in own.items()} for p, own in samples.items()},
    }
    draws = {p: {name: d[1:] for name, d in own.items()} for p, own in samples.items()}
    return Evaluated(
        summary,
        draws,
        images,
        drawn_tables(records, weights, evaluation.connectivity_tolerance, evaluation.curve_points, scale),
    )


def _thresholds(
    thresholds: Mapping[str, int], evaluation: Evaluation, chosen: ChosenThreshold | None, scale: Scale
) -> dict[str, Any]:
    stored: dict[str, dict[str, Any]] = {
        "fixed": {"threshold": evaluation.threshold, "level": int(thresholds["fixed"])}
    }
    if "training" in thresholds:
        level = int(thresholds["training"])
        stored["training"] = {"threshold": float(scale.lowest[level]), "level": level}
        stored["training"] |= {"images": list(chosen.images), "rule": chosen.rule} if chosen else {}
    return stored


def _words(evaluation: Evaluation) -> dict[str, str]:
    return {
        "truth": "first observer, native size; or through the IterNet code's resize to a square and back",
        "connectivity": "mean over images, whole frame; 8-connected segments, 256 thresholds, Zhang skeleton, "
        f"alpha {evaluation.connectivity_tolerance:g}",
        "topology": "clDice and errors of the Betti numbers: mean over images, whole frame",
        "interval": f"95 %, percentiles of {evaluation.draws:,} bootstrap draws of the test images",
    }


def _sizes(records: Sequence[ImageRecord], mask: str, truth: str) -> dict[str, int]:
    vessel, background = np.sum([sizes(record.histograms[mask, truth]) for record in records], axis=0).tolist()
    return {"vessel": vessel, "background": background}


def _bounded(draws: np.ndarray) -> dict[str, float | None]:
    """The score and its interval; NaN, which JSON does not know, as None."""
    low, high = interval(draws[1:])
    values = {"value": float(draws[0]), "low": low, "high": high}
    return {name: None if math.isnan(value) else value for name, value in values.items()}
