"""The scores of all runs of one data set as one tidy frame; whatever the reports print is selected from it."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from vesselbench.config import UserError
from vesselbench.files import read_json, read_table, reading
from vesselbench.metrics.bootstrap import draw_score, image_weights
from vesselbench.metrics.counts import COUNTS, with_ratios
from vesselbench.metrics.protocol import Protocol

ROOT = Path("data/scores")
OBSERVER = "second_observer"
ALIKE = ("images", "draws", "protocol")  # parts of scores.json that all runs of one split share
RUN = ("label", "model", "split", "seed", "recipe", "about", "modes")  # of run.json
WORDS = ("mask", "size", "threshold")  # of a protocol
PLACE = ["run", "mode", "channel"]  # names a set of maps
OWNER = ["label", "model", "split", "seed", *PLACE]
WAY = ["how", "patch", "stride", "training_stride", "flips", "output"]  # how a mode predicts
AVERAGE = ["label", "mode", "protocol", "score"]
_weights = cache(image_weights)
TRAINING = ["label", "seed", "step", "loss", "last_output", "learning_rate"]


@dataclass(frozen=True)
class Results:
    """What the evaluate stage left of some sets of maps, those of one run, mode and channel each.

    ``maps`` has a row a set of maps: columns ``OWNER``, recipe, ``WAY``; about (content of the network's model.json),
    stored (of scores.json), draws (of draws.npz, see ``Evaluated.write``).
    """

    folder: Path  # data/scores/<dataset>
    maps: pd.DataFrame
    scores: pd.DataFrame  # OWNER, protocol, score, value, low, high (95 % interval); an undefined value is NaN
    images: pd.DataFrame  # OWNER, id, mask, size, threshold, and a column a count and score

    @property
    def labels(self) -> list[str]:
        """Labels, each once, in the order of params.yaml."""
        return list(self.maps["label"].unique())

    def keep(self, chosen: pd.Series) -> Self:
        """Keep the sets of maps for which ``chosen``, one a row of ``maps``, is true."""
        maps = self.maps[chosen.astype(bool)]
        scores, images = (frame.merge(maps[PLACE], on=PLACE) for frame in (self.scores, self.images))
        named = {*OWNER, "id", *WORDS, *COUNTS, *scores["score"]}  # another channel has other scores
        images = images[[column for column in images if column in named]]
        return replace(self, maps=maps, scores=scores, images=images)

    @cached_property
    def averages(self) -> pd.DataFrame:
        """Average every score over the seeds of a label; of results of one split and channel.

        Index ``AVERAGE``; columns value (mean over seeds; NaN where one is undefined), spread (sample standard
        deviation over seeds, NaN of one seed), low, high (95 % interval: what other test images would change, not
        other seeds; the mean of the seeds' ends, within .0003 of the bootstrap of the mean), seeds (their number).
        """
        rows = []
        for key, own in self.scores.groupby(AVERAGE, sort=False):
            low, high = own[["low", "high"]].mean(skipna=False)
            rows.append((*key, own["value"].mean(skipna=False), own["value"].std(), low, high, len(own)))
        return pd.DataFrame(rows, columns=[*AVERAGE, "value", "spread", "low", "high", "seeds"]).set_index(AVERAGE)

    def mean_draws(self, label: str, mode: str, protocol: Protocol | str, score: str) -> np.ndarray:
        """Average the bootstrap draws of a score over seeds, float64 (draws,); what is not stored is made again."""
        (mask, pooling, size, threshold), draws = str(protocol).split("-"), []
        for own in self.maps[(self.maps["label"] == label) & (self.maps["mode"] == mode)].to_dict("records"):
            if (kept := own["draws"].get(f"{protocol}/{score}")) is None:
                images = self._parts[*(own[name] for name in PLACE), mask, size, threshold]
                kept = draw_score(images, pooling, score, _weights(len(images), own["stored"]["draws"])[1:])
            draws.append(kept)
        return np.mean(draws, axis=0)

    @cached_property
    def _parts(self) -> dict[tuple[str, ...], pd.DataFrame]:
        return dict([*self.images.groupby([*PLACE, *WORDS], sort=False)])

    def image_scores(self, label: str, mode: str, protocol: Protocol, score: str) -> pd.Series:
        """Average the score of each test image over seeds; index id, in the order in which they were scored."""
        own = self.images[(self.images["label"] == label) & (self.images["mode"] == mode)]
        return at_protocol(own, protocol).groupby("id", sort=False)[score].mean(skipna=False)

    def curves(self, name: str, columns: Sequence[str] = (), size: str = "native") -> pd.DataFrame:
        """Join a table of all maps, such as ``roc``, in the field of view at one size: label, mode, seed, columns."""
        parts = []
        for own in self.maps.to_dict("records"):
            path = self.folder.joinpath(*(own[part] for part in PLACE), f"{name}.csv")
            table = at_protocol(read_table(path, columns, _repeat("evaluate", own["run"])), Protocol(size=size))
            parts.append(table.assign(label=own["label"], mode=own["mode"], seed=own["seed"]))
        return _join(parts, ["label", "mode", "seed"])

    def training(self) -> pd.DataFrame:
        """Join the training logs, columns ``TRAINING``; a method that learns nothing has no rows.

        The loss is the sum over a network's outputs, which is what is trained; last_output is that of the one used for
        prediction, comparable between networks.
        """
        once = replace(self, maps=self.maps.drop_duplicates("run").assign(mode="", channel=""))
        log = once.curves("training", ["step", "loss"])
        last = log.filter(regex="^loss").ffill(axis=1).iloc[:, -1:].max(axis=1)  # loss_4 of four outputs
        return log.assign(last_output=last).reindex(columns=TRAINING)


def at_protocol(table: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Keep the rows of a protocol's mask, size and threshold, as far as the table tells them apart, without these."""
    words = [column for column in WORDS if column in table]
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
        fix = _repeat("evaluate", name)
        run = read_json(folder / name / "run.json", fix, RUN)
        for mode, own in run.pop("modes").items():
            way = {name: own.get(name) or 0 for name in WAY}  # whole images have no patch and no stride
            places = sorted((folder / name / mode).glob("*/")) or [folder / name / mode / "vessel"]
            found += [(run | way | {"run": name, "mode": mode, "channel": at.name}, at, fix) for at in places]
    return _read(folder, found)


def read_observer(dataset: str, split: str, root: Path = ROOT) -> Results | None:
    """Read the second observer of the test images of a split as one set of maps, of mode ``""``.

    None where not all test images have a second observer.
    """
    place, fix = root / dataset / OBSERVER / split, _repeat("observer", split)
    if "absent" in read_json(place / "scores.json", fix):
        return None
    whose = dict.fromkeys([*OWNER, *WAY], "") | {"label": OBSERVER, "seed": 0, "split": split}
    return _read(root / dataset, [(whose, place, fix)])


def _read(folder: Path, found: Iterable[tuple[Mapping[str, Any], Path, str]]) -> Results:
    """Read sets of maps, each with what ``maps`` tells of its owner, its folder, and how to fill it."""
    maps, scores, images = [], [], []
    first: dict[tuple[str, str], tuple[Path, dict[str, Any]]] = {}
    for whose, place, fix in found:
        path = place / "scores.json"
        stored = read_json(path, fix, [*ALIKE, "scores"])
        how = {name: stored[name] for name in ALIKE}
        example, expected = first.setdefault((whose["split"], whose["channel"]), (path, how))
        if how != expected:
            odd = f"images, draws or protocol differ from those of {example}; a table takes scores made alike"
            raise UserError(f"{path}: {odd}; {fix}")
        with reading(path := place / "draws.npz", fix, EOFError, BadZipFile, zlib.error), path.open("rb") as stream:
            maps.append(whose | {"stored": stored, "draws": dict(np.load(stream))})
        owner = {name: whose[name] for name in OWNER}
        for protocol, own in stored["scores"].items():
            scores += [owner | {"protocol": protocol, "score": score} | values for score, values in own.items()]
        table = read_table(place / "images.csv", ["id", *WORDS], fix, dtype={"id": str})
        images.append((with_ratios(table) if {*COUNTS} <= {*table} else table).assign(**owner))
    numbers = dict.fromkeys(("value", "low", "high"), float)  # None, which JSON has, becomes NaN
    table = pd.DataFrame(scores, columns=[*OWNER, "protocol", "score", *numbers]).astype(numbers)
    columns = [*OWNER, "recipe", *WAY, "about", "stored", "draws"]
    return Results(folder, pd.DataFrame(maps, columns=columns), table, _join(images, OWNER))


def _join(parts: list[pd.DataFrame], first: list[str]) -> pd.DataFrame:
    """Join tables, these columns first; empty ones, whose columns have no type, only where there are no others."""
    filled = [part for part in parts if len(part)] or parts[:1] or [pd.DataFrame(columns=first)]
    table = pd.concat(filled, ignore_index=True)
    return table[[*first, *(column for column in table if column not in first)]]


def _repeat(stage: str, key: str) -> str:
    return f"run 'dvc repro {stage}@{key}' first"
