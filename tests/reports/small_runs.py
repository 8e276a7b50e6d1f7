"""Scores, logs and run.json of small runs, laid out as the stages before the reports leave them."""

import json

import numpy as np
import pandas as pd

from vesselbench.metrics.protocol import PROTOCOLS
from vesselbench.metrics.scores import NEED_PROBABILITIES, SCORES
from vesselbench.reports.runs import read_observer, read_results

WHOLE = {"how": "whole", "patch": None, "stride": None, "training_stride": None, "output": 0}
PATCHED = {"how": "patched", "patch": 128, "stride": 64, "training_stride": 128, "output": 0}
WAYS = {"whole": WHOLE, "patched": PATCHED, "stride8": PATCHED | {"stride": 8}, "flips": WHOLE | {"flips": True}}
WAYS |= {f"output{number}": WHOLE | {"output": number} for number in (1, 2, 3)}
RECIPE = {
    **{"input": "flat", "steps": 6200, "batch": 32, "patch": 128, "learning_rate": 1e-3, "schedule": "constant"},
    **{"cycles": 1, "warmup": 0, "weight_decay": 0.0, "sgd": None, "validation": 0, "keep": "lowest_training_loss"},
    "augmentation": {"rotation": [180.0, 0.5], "zoom": [0.2, 0.0], "flip_probability": 0.0, "labels": "soft"},
}
VALUES = dict.fromkeys(SCORES, 0.6) | {
    **{"connectivity": 0.5, "betti_0": 12.25, "betti_1": 3.0, "sensitivity": 0.7, "specificity": 0.98},
    **{"accuracy": 0.95, "auc": 0.9, "auc_pr": 0.8},
}
# The second of two images scores lower by 0.1; a bootstrap draw lies evenly within 0.04 of the score, so that the
# 95 % interval is the score -+ 0.038.
IMAGES = {"01": 0.0, "02": -0.1}
DRAWS = np.linspace(-0.04, 0.04, 101)
WORDS = {"truth": "first observer", "interval": "95 %, percentiles of 101 bootstrap draws of the test images"}
# Of the scores of kinds of vessel some, by protocol; and pixels of each true kind by what they are called.
KINDS = {
    "fov-pooled-native-fixed": {"all_balanced_accuracy": 0.8, "mixed_segments": 0.2},
    "fov-mean-native-fixed": {"weighted_f1": 0.7, "weighted_error": 0.05, "uncertain_error": 0.04},
}
CONFUSION = {"truth": ["background", "artery", "vein", "crossing", "uncertain"], "background": [900, 25, 0, 0, 0]}
CONFUSION |= {"artery": [0, 75, 1500, 0, 0], "vein": [0, 0, 500, 0, 0], "crossing": [100, 0, 0, 30, 0]}
SHARES = {"native": 1273, "round_trip": 1261, "square": 1261}  # of vessel in DRIVE's field of view, of 10,000 pixels
CURVE = [("fov", 0.0, 0.0, 0.0, 0.0), ("fov", 0.1, 0.9, 0.85, 0.95), ("fov", 1.0, 1.0, 1.0, 1.0), ("frame", 0, 0, 0, 0)]


def write_maps(folder, images=IMAGES, binary=False, training=True, **changes):
    """Write the scores of one set of maps: F1 .01 less but at native size, .02 more at the training threshold."""
    folder.mkdir(parents=True)
    withheld = NEED_PROBABILITIES if binary else ()
    scores, draws, rows = {}, {}, []
    for protocol in [own for own in PROTOCOLS if training or own.threshold == "fixed"]:
        values = VALUES | changes
        values["f1"] += 0.02 * (protocol.threshold == "training") - 0.01 * (protocol.size != "native")
        values["connectivity"] += 0.4 * (protocol.size == "square")
        values["specificity"] += 0.01 * (protocol.mask == "frame")
        own = scores[str(protocol)] = {}
        for score, value in values.items():
            draws[f"{protocol}/{score}"] = np.full(101, np.nan) if score in withheld else value + DRAWS
            ends = {"value": value, "low": value - 0.038, "high": value + 0.038}
            own[score] = dict.fromkeys(ends) if score in withheld else ends
        if protocol.pooling == "pooled":
            place = {name: getattr(protocol, name) for name in ("mask", "size", "threshold")}
            for name, shift in images.items():
                rows.append({"id": name} | place | {score: value + shift for score, value in values.items()})
    chosen = {"threshold": 0.43, "level": 28181, "images": ["21", "22"], "rule": "highest F1"}
    pixels = {"vessel": 1000 * len(images), "background": (64 * 64 - 1000) * len(images)}
    content = {"images": list(images), "draws": 101, "protocol": WORDS, "scores": scores}
    content["thresholds"] = {"fixed": {"threshold": 0.5, "level": 32768}} | ({"training": chosen} if training else {})
    inside = {size: {"vessel": share, "background": 10_000 - share} for size, share in SHARES.items()}
    content |= {
        "pixels": {"fov": inside, "frame": dict.fromkeys(SHARES, pixels)},
        "withheld": dict.fromkeys(withheld, "one operating point"),
    }
    (folder / "scores.json").write_text(json.dumps(content))
    np.savez(folder / "draws.npz", **draws)
    curve = pd.DataFrame(CURVE[: 0 if binary else None], columns=["mask", "fpr", "tpr", "low", "high"])
    thetas = {"theta": [0.0, 0.5, 1.0], "connectivity": [0.2, 0.8, 0.5], "low": 0.1, "high": 0.9}
    readings = {"id": "01", "size": ["native"] * 3 + ["square"], "neighbours": [8, 4, 8, 8], "levels": 256}
    readings |= {"skeleton": "zhang", "smallest": [1, 1, 10, 1]}
    readings["connectivity"] = np.array([0.0, -0.2, 0.4, -0.4]) + (VALUES | changes)["connectivity"]
    bins = {"mask": "fov", "bin_low": [0.0, 0.8], "bin_high": [0.05, 0.85], "pixels": [25, 75]}
    bins |= {"probability": [0.0, 0.8], "vessel": [0.1, 0.6], "low": [0.0, 0.5], "high": [0.2, 0.7]}
    tables = {"images": rows, "connectivity": thetas, "sensitivity": readings}
    tables |= {"roc": curve, "pr": curve.rename(columns={"fpr": "recall", "tpr": "precision"}), "calibration": bins}
    for name, table in tables.items():
        pd.DataFrame(table).to_csv(folder / f"{name}.csv", index=False)


def write_kinds(folder, **changes):
    """Write scores of the kinds of vessel."""
    folder.mkdir(parents=True)
    stored, draws = {name: {} for name in KINDS}, {}
    rows = [{"id": name, "mask": "fov", "size": "native", "threshold": "fixed"} for name in IMAGES]
    for protocol, score in [(protocol, score) for protocol, own in KINDS.items() for score in own]:
        value = changes.get(score, KINDS[protocol][score])
        stored[protocol][score] = {"value": value, "low": value - 0.038, "high": value + 0.038}
        draws[f"{protocol}/{score}"] = value + DRAWS
        rows = [row | {score: value + shift} for row, shift in zip(rows, IMAGES.values(), strict=True)]
    np.savez(folder / "draws.npz", **draws)
    pd.DataFrame(rows).to_csv(folder / "images.csv", index=False)
    pd.DataFrame(CONFUSION).to_csv(folder / "confusion.csv", index=False)
    words = dict.fromkeys(("all", "found", "segments", "weighted", "mended"), "as defined")
    content = {"images": list(IMAGES), "draws": 101, "protocol": words, "scores": stored}
    (folder / "scores.json").write_text(json.dumps(content))


class Project:
    """Scores of a data set below a folder, and the lines of params.yaml that name them."""

    def __init__(self, root, data="drive"):
        self.root, self.data, self.runs = root / "data/scores", data, {}

    def add(self, label="unet", seed=0, split="", model="", recipe="cpu", modes=("patched",), about=None, **changes):
        """Add a run; ``changes`` are scores, or ``images``, or of one mode: ``whole={"auc": 0.9}``.

        With ``kinds``, changes of the scores of kinds of vessel, it tells these apart.
        """
        line = {"split": split or self.data, "model": model or label, "seed": seed, "recipe": recipe}
        name = f"{self.data}-{label}-{seed}"
        self.runs[name] = line | {"data": self.data}
        known = {"network": "iternet", "arguments": {"width": 32}, "recipe": RECIPE, "training_ids": ["21", "22", "23"]}
        known |= {"task": "vessel", "diameter": 540.0, "parameters": 1234567} | (about or {})
        folder = self.root / self.data / name
        for mode in modes:
            own = {key: value for key, value in changes.items() if key not in (*WAYS, "kinds")} | changes.get(mode, {})
            for channel in ("vessel", "artery", "vein") if "kinds" in changes else ("vessel",):
                write_maps(folder / mode / channel, **own)
            if "kinds" in changes:
                write_kinds(folder / mode / "kinds", **changes["kinds"])
        run = line | {"label": label, "about": known, "modes": {mode: WAYS[mode] for mode in modes}}
        (folder / "run.json").write_text(json.dumps(run))
        log = {"step": [10, 20], "loss": [0.7, 0.5], "loss_1": [0.4, 0.2], "loss_2": [0.3, 0.1], "learning_rate": 0.001}
        table = pd.DataFrame(log).drop(columns=["loss_2"] if line["model"] == "unet" else [])
        table[: 2 if known["recipe"]["steps"] else 0].to_csv(folder / "training.csv", index=False)
        return self

    def observe(self, split="", **changes):
        """Add the second observer, whose maps are labels."""
        folder = self.root / self.data / "second_observer" / (split or self.data)
        write_maps(folder, binary=True, training=False, **changes)
        return self

    def observe_none(self):
        """Say that nobody labelled the test images a second time."""
        folder = self.root / self.data / "second_observer" / self.data
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scores.json").write_text('{"absent": ["01"]}')
        return self

    def results(self):
        return read_results(self.data, self.runs, self.root)

    def channels(self):
        every = self.results()
        names = ("vessel", *every.maps["channel"].unique())
        return {name: every.keep(every.maps["channel"] == name) for name in names}

    def observers(self):
        splits = dict.fromkeys(run["split"] for run in self.runs.values())
        return {split: read_observer(self.data, split, self.root) for split in splits}


def part(text, heading):
    """The section of a page below a heading."""
    return text.split(f"## {heading}\n\n")[1].split("\n## ")[0]


def row(text, *words):
    """Cells of the first row of a table that begins with these words."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return next(cells for cells in rows if tuple(cells[: len(words)]) == words)
