"""The scores of all runs of one data set as one tidy frame; whatever the reports print is selected from it."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from vesselbench.config import UserError
from vesselbench.metrics.bootstrap import interval
from vesselbench.metrics.protocol import HEADLINE, Protocol

ROOT = Path("data/scores")
OBSERVER = "second_observer"
ALIKE = ("images", "draws", "protocol")  # parts of scores.json that all runs of one split share
PLACE = ["run", "mode", "channel"]  # names a set of maps
OWNER = ["label", "model", "split", "seed", *PLACE]
WAY = ["how", "patch", "stride", "training_stride", "output"]  # how a mode predicts
AVERAGE = ["label", "mode", "protocol", "score"]
TRAINING = ["label", "seed", "step", "loss", "last_output", "learning_rate"]


@dataclass(frozen=True)
class Results:
    """What the evaluate stage left of some sets of maps, those of one run, mode and channel each.

    ``maps`` has a row a set of maps: columns ``OWNER``, recipe, ``WAY``; about (content of the network's model.json),
    stored (of scores.json), draws (``"<protocol>/<score>"`` -> bootstrap draws, float64 (draws,)).
    """

    folder: Path  # data/scores/<dataset>
    maps: pd.DataFrame
    scores: pd.DataFrame  # OWNER, protocol, score, value, low, high (95 % interval); an undefined value is NaN
    images: pd.DataFrame  # OWNER, id, mask, truth, threshold, and a column a score

    @property
    def labels(self) -> list[str]:
        """Labels, each once, in the order of params.yaml."""
        return list(self.maps["label"].unique())

    def keep(self, chosen: pd.Series) -> Self:
        """Keep the sets of maps for which ``chosen``, one a row of ``maps``, is true."""
        maps = self.maps[chosen.astype(bool)]
        scores, images = (frame.merge(maps[PLACE], on=PLACE) for frame in (self.scores, self.images))
        return replace(self, maps=maps, scores=scores, images=images)

    @cached_property
    def averages(self) -> pd.DataFrame:
        """Average every score over the seeds of a label; of results of one split and channel.

        Index ``AVERAGE``; columns value (mean over seeds; NaN where one is undefined), spread (sample standard
        deviation over seeds, NaN of one seed), low, high (95 % interval of the mean: what other test images would
        change, not other seeds; of several seeds under the headline protocols only, whose draws are stored), seeds
        (their number).
        """
        rows = []
        for key, own in self.scores.groupby(AVERAGE, sort=False):
            low, high = own[["low", "high"]].iloc[0] if len(own) == 1 else (math.nan, math.nan)
            if len(own) > 1 and key[2] in map(str, HEADLINE.values()):
                low, high = interval(self.mean_draws(*key))
            rows.append((*key, own["value"].mean(skipna=False), own["value"].std(), low, high, len(own)))
        return pd.DataFrame(rows, columns=[*AVERAGE, "value", "spread", "low", "high", "seeds"]).set_index(AVERAGE)

    def mean_draws(self, label: str, mode: str, protocol: Protocol | str, score: str) -> np.ndarray:
        """Average the bootstrap draws of a score over seeds, float64 (draws,): each seed's take the same images."""
        return np.mean([draws[f"{protocol}/{score}"] for draws in self._draws[label, mode]], axis=0)

    @cached_property
    def _draws(self) -> dict[tuple[str, str], list[Mapping[str, np.ndarray]]]:
        return {key: list(own) for key, own in self.maps.groupby(["label", "mode"])["draws"]}

    def image_scores(self, label: str, mode: str, protocol: Protocol, score: str) -> pd.Series:
        """Average the score of each test image over seeds; index id, in the order in which they were scored."""
        rows = at_protocol(_rows(self.images, label, mode), protocol)
        return rows.groupby("id", sort=False)[score].mean(skipna=False)

    def curves(self, name: str) -> pd.DataFrame:
        """Join a table of all maps, such as ``roc`` (roc.csv), in the field of view: label, mode, seed, its columns."""
        parts = []
        for own in self.maps.to_dict("records"):
            path = self.folder.joinpath(*(own[part] for part in PLACE), f"{name}.csv")
            table = at_protocol(pd.read_csv(_existing(path, f"evaluate@{own['run']}")), HEADLINE["fov"])
            parts.append(table.assign(label=own["label"], mode=own["mode"], seed=own["seed"]))
        return _join(parts, ["label", "mode", "seed"])

    def training(self) -> pd.DataFrame:
        """Join the training logs, columns ``TRAINING``; a method that learns nothing has no rows.

        The loss is the sum over a network's outputs, which is what is trained; last_output is that of the one used for
        prediction, comparable between networks.
        """
        log = replace(self, maps=self.maps.drop_duplicates("run").assign(mode="", channel="")).curves("training")
        last = log.filter(regex="^loss").ffill(axis=1).iloc[:, -1:].max(axis=1)  # loss_4 of four outputs
        return log.assign(last_output=last).reindex(columns=TRAINING)


def at_protocol(table: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Keep the rows of a protocol's mask, truth and threshold, as far as the table tells them apart, without these."""
    words = [column for column in ("mask", "truth", "threshold") if column in table]
    for column in words:
        table = table[table[column] == getattr(protocol, column)]
    return table.drop(columns=words)


def scores_of(averages: pd.DataFrame, label: str, mode: str, protocol: Protocol) -> pd.DataFrame:
    """Select the averages of one label and mode under a protocol; index score."""
    return averages.xs((label, mode, str(protocol)), level=AVERAGE[:3])


def read_results(dataset: str, runs: Mapping[str, Mapping[str, Any]], root: Path = ROOT) -> Results:
    """Read the scores of the runs of one data set, in their order in params.yaml, whose ``runs`` are given.

    Whatever else lies in ``<root>/<dataset>``, such as runs dropped from params.yaml, is not looked at. Raises a
    UserError that names the stage to repeat where a run has no scores, or was scored otherwise (other images, draws or
    definitions) than the first run of its split.
    """
    folder, found = root / dataset, []
    for name in [name for name, line in runs.items() if line["data"] == dataset]:
        stage = f"evaluate@{name}"
        run = json.loads(_existing(folder / name / "run.json", stage).read_text())
        for mode, own in run.pop("modes").items():
            way = {name: value or 0 for name, value in own.items()}  # whole images have no patch and no stride
            places = sorted((folder / name / mode).glob("*/")) or [folder / name / mode / "vessel"]
            found += [(run | way | {"run": name, "mode": mode, "channel": at.name}, at, stage) for at in places]
    return _read(folder, found)


def read_observer(dataset: str, split: str, root: Path = ROOT) -> Results | None:
    """Read the second observer of the test images of a split as one set of maps, of mode ``""``.

    None where not all test images have a second observer.
    """
    place, stage = root / dataset / OBSERVER / split, f"observer@{dataset}"
    if "absent" in json.loads(_existing(place / "scores.json", stage).read_text()):
        return None
    whose = dict.fromkeys([*OWNER, *WAY], "") | {"label": OBSERVER, "seed": 0, "split": split}
    return _read(root / dataset, [(whose, place, stage)])


def _read(folder: Path, found: Iterable[tuple[Mapping[str, Any], Path, str]]) -> Results:
    """Read sets of maps, each with what ``maps`` tells of its owner, its folder, and the stage that fills it."""
    maps, scores, images = [], [], []
    first: dict[tuple[str, str], tuple[Path, dict[str, Any]]] = {}
    for whose, place, stage in found:
        path = place / "scores.json"
        stored = json.loads(_existing(path, stage).read_text())
        how = {name: stored[name] for name in ALIKE}
        example, expected = first.setdefault((whose["split"], whose["channel"]), (path, how))
        if how != expected:
            raise UserError(
                f"{path}: images, draws or protocol differ from those of {example}; a table takes scores made alike; "
                f"run 'dvc repro {stage}'"
            )
        with np.load(_existing(place / "draws.npz", stage)) as arrays:
            maps.append(whose | {"stored": stored, "draws": dict(arrays)})
        owner = {name: whose[name] for name in OWNER}
        for protocol, own in stored["scores"].items():
            scores += [owner | {"protocol": protocol, "score": score} | values for score, values in own.items()]
        images.append(pd.read_csv(_existing(place / "images.csv", stage), dtype={"id": str}).assign(**owner))
    numbers = dict.fromkeys(("value", "low", "high"), float)  # None, which JSON has, becomes NaN
    table = pd.DataFrame(scores, columns=[*OWNER, "protocol", "score", *numbers]).astype(numbers)
    columns = [*OWNER, "recipe", *WAY, "about", "stored", "draws"]
    return Results(folder, pd.DataFrame(maps, columns=columns), table, _join(images, OWNER))


def _rows(frame: pd.DataFrame, label: str, mode: str) -> pd.DataFrame:
    return frame[(frame["label"] == label) & (frame["mode"] == mode)]


def _join(parts: list[pd.DataFrame], first: list[str]) -> pd.DataFrame:
    """Join tables, these columns first; empty ones, whose columns have no type, only where there are no others."""
    filled = [part for part in parts if len(part)] or parts[:1] or [pd.DataFrame(columns=first)]
    table = pd.concat(filled, ignore_index=True)
    return table[[*first, *(column for column in table if column not in first)]]


def _existing(path: Path, stage: str) -> Path:
    if not path.exists():
        raise UserError(f"{path}: no such file; run 'dvc repro {stage}' first")
    return path
