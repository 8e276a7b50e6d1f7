"""All results of one set of maps, and the files that hold them."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from vesselbench.config import Parameters, UserError
from vesselbench.data.maps import LEVELS, Threshold
from vesselbench.metrics.bands import drawn_tables
from vesselbench.metrics.bootstrap import image_weights, interval
from vesselbench.metrics.connectivity import TOLERANCE
from vesselbench.metrics.image import ImageRecord
from vesselbench.metrics.protocol import HEADLINE, MASKS, SIZES, Protocol
from vesselbench.metrics.scores import NEED_PROBABILITIES, RATIOS, Draws, binary, draw_scores, image_table

WITHHELD = "the maps hold 0 and 1 only: one operating point, no curve"
WORDS = {
    "truth": "first observer",
    "size": "native; round_trip: truth and map through the IterNet code's resize to a square and back; square: there",
    "connectivity": "mean over images, whole frame; 8-connected segments, 256 thresholds, Zhang skeleton, "
    f"alpha {TOLERANCE:g}",
    "topology": "clDice and errors of the Betti numbers: mean over images, whole frame",
}
INTERVAL = "95 %, percentiles of {:,} bootstrap draws of the test images"


class Evaluation(Parameters):
    """Parameters under ``evaluate`` in params.yaml."""

    threshold: float = Field(0.5, gt=0, le=1)  # fixed in advance: vessel is where the probability is at least this
    draws: int = Field(2000, ge=100)  # bootstrap samples of the test images


@dataclass(frozen=True)
class Evaluated:
    """What is known of one set of maps."""

    summary: dict[str, Any]  # content of scores.json
    draws: Draws  # protocol -> score -> bootstrap draws, (samples,)
    images: pd.DataFrame  # a row an image and protocol, see ``vesselbench.metrics.scores.image_table``
    tables: dict[str, pd.DataFrame]  # file name -> what else is written, see ``vesselbench.metrics.bands``
    kept: Mapping[Protocol, Sequence[str]] = field(default_factory=dict)  # scores whose draws are written

    def write(self, folder: Path) -> None:
        """Write scores.json, draws.npz, images.csv and the tables into a folder, made where absent.

        The draws are those of ``kept``, which ``draw_score`` cannot make again, float32 (samples,) by
        ``"<protocol>/<score>"``; of images.csv, what follows from the counts is left out (``with_ratios``).
        """
        folder.mkdir(parents=True, exist_ok=True)
        rounded = json.loads(json.dumps(self.summary), parse_float=lambda digits: round(float(digits), 10))
        (folder / "scores.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
        kept = {f"{at}/{name}": self.draws[at][name].astype(np.float32) for at in self.kept for name in self.kept[at]}
        np.savez_compressed(folder / "draws.npz", **kept)
        images = self.images.drop(columns=[*RATIOS], errors="ignore")
        images.to_csv(folder / "images.csv", index=False, float_format="%.8f")
        for name, table in self.tables.items():
            table.to_csv(folder / name, index=False, float_format="%.6f")


def evaluate(
    records: list[ImageRecord], thresholds: Mapping[str, int], evaluation: Evaluation, chosen: Threshold | None = None
) -> Evaluated:
    """Score the maps of one channel under every protocol, with intervals.

    ``records`` are one an image, looked at with the same ``thresholds``: ``fixed``, ``training`` -> the lowest level
    that is vessel; ``chosen`` says where the latter comes from, if there is one. UserError where the training threshold
    was chosen on an image among them.
    """
    ids = [record.id for record in records]
    if chosen and (seen := sorted({*ids} & {*chosen.images})):
        rule = "which would be scored with it; choose it on training images alone"
        raise UserError(f"the threshold was chosen on {', '.join(seen)}, {rule}")
    weights = image_weights(len(records), evaluation.draws)
    images = image_table(records, thresholds)
    samples = draw_scores(records, images, weights)
    stored = {name: {"threshold": level / (LEVELS - 1), "level": int(level)} for name, level in thresholds.items()}
    stored["fixed"]["threshold"] = evaluation.threshold
    if chosen:
        stored["training"] |= {"images": list(chosen.images), "rule": chosen.rule}
    summary = {
        "images": ids,
        "draws": evaluation.draws,
        "thresholds": stored,
        "pixels": {mask: {size: _pixels(records, mask, size) for size in SIZES} for mask in MASKS},
        "protocol": WORDS | {"interval": INTERVAL.format(evaluation.draws)},
        "withheld": dict.fromkeys(NEED_PROBABILITIES, WITHHELD) if binary(records) else {},
        "scores": {str(p): {name: bounded(draws) for name, draws in own.items()} for p, own in samples.items()},
    }
    draws = {p: {name: values[1:] for name, values in own.items()} for p, own in samples.items()}
    kept = dict.fromkeys(HEADLINE.values(), NEED_PROBABILITIES)
    return Evaluated(summary, draws, images, drawn_tables(records, weights), kept)


def _pixels(records: Sequence[ImageRecord], mask: str, size: str) -> dict[str, int]:
    vessel, background = np.sum([record.histograms[mask, size].sizes for record in records], axis=0).tolist()
    return {"vessel": vessel, "background": background}


def bounded(draws: np.ndarray) -> dict[str, float | None]:
    """Give a score, the first of these, and its interval over the others; NaN, which JSON does not know, as None."""
    low, high = interval(draws[1:])
    values = {"value": float(draws[0]), "low": low, "high": high}
    return {name: None if math.isnan(value) else value for name, value in values.items()}
