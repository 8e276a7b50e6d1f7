"""From nothing to a table: every stage once, and what it leaves."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.torch import load_file
from tiny_project import ROOT, contents, run_stage, write_params

from vesselbench.data.sample import read_samples
from vesselbench.metrics.protocol import HEADLINE, MASKS, PROTOCOLS, THRESHOLDS, TRUTHS
from vesselbench.metrics.scores import SCORES
from vesselbench.metrics.threshold import ChosenThreshold

IDS = ["p01", "p02", "p03", "p04", "p05"]
MODEL = "data/models/phantom/iternet/0"
SIDE = 130  # no multiple of the network's 16, so that maps must be padded and cut


def pixels(path):
    with Image.open(path) as image:
        return np.array(image)


def test_download(finished):
    samples = read_samples(finished / "data/raw/phantom")
    assert [(sample.id, sample.subset) for sample in samples] == list(
        zip(IDS, ["train", "train", "train", "test", "test"], strict=True)
    )
    for sample in samples:
        assert pixels(sample.image).shape == (SIDE, SIDE, 3)
        assert pixels(sample.truth).shape == (SIDE, SIDE)
        assert set(np.unique(pixels(sample.truth))) == {0, 255}


def test_split(finished):
    text = (finished / "data/splits/phantom.csv").read_text()
    assert text == "id,subset\np01,train\np02,train\np03,train\np04,test\np05,test\n"


def test_fov(finished):
    for name in IDS:
        mask, official = (finished / folder / f"{name}.png" for folder in ("data/fov/phantom", "data/raw/phantom/fov"))
        assert np.array_equal(pixels(mask), pixels(official))


def test_network(finished):
    network = json.loads((finished / "data/networks/iternet.json").read_text())
    assert network["network"] == "iternet"
    whole = {"shared_weights": True, "cross_skips": True, "refinery": "mini"}
    assert network["arguments"] == {"width": 4, "iterations": 2, "dropout": 0.1} | whole
    assert not {"train", "predict"} & set(network), "how it is used is no part of what it is"
    code = (ROOT / "src/vesselbench/models/iternet.py").read_bytes()
    assert network["code"] == {"iternet.py": hashlib.sha256(code).hexdigest()}
    weights = load_file(finished / MODEL / "weights.safetensors")
    assert network["parameters"] == sum(tensor.numel() for tensor in weights.values())


def test_train(finished):
    about = json.loads((finished / MODEL / "model.json").read_text())
    assert about["training_ids"] == ["p01", "p02", "p03"]
    assert (about["seed"], about["recipe"]["steps"], about["recipe"]["patch"]) == (0, 4, 32)
    log = pd.read_csv(finished / MODEL / "log.csv")
    assert list(log.columns) == ["step", "loss", "loss_1", "loss_2", "learning_rate"]
    assert list(log.step) == [2, 4]
    assert not list((finished / ".checkpoints").rglob("*.pt")), "a finished run keeps no checkpoint"


@pytest.mark.parametrize("mode", ["whole", "patched"])
def test_predict(finished, mode):
    run = Path("phantom/iternet/0", mode)
    for folder, ids in ((Path("predictions", run, "test"), IDS[3:]), (Path("training_maps", run), IDS[:3])):
        maps = {path.stem: pixels(path) for path in (finished / "data" / folder).iterdir()}
        assert sorted(maps) == ids
        for levels in maps.values():
            assert (levels.dtype, levels.shape) == (np.uint8, (SIDE, SIDE))
            assert levels.min() < levels.max()


@pytest.mark.parametrize("mode", ["whole", "patched"])
def test_threshold(finished, mode):
    chosen = ChosenThreshold.read(finished / f"data/thresholds/phantom/iternet/0/{mode}.json")
    assert chosen.images == ("p01", "p02", "p03"), "the training images"
    assert 0 < chosen.level < 65536
    assert 0 < chosen.f1 < 1


RUNS = [f"iternet/0/{mode}" for mode in ("whole", "patched")]


@pytest.mark.parametrize("run", [*RUNS, "second_observer"])
def test_evaluate_and_observer(finished, run):
    folder = finished / "data/scores/phantom" / run
    scores = json.loads((folder / "scores.json").read_text())
    thresholds = THRESHOLDS if run in RUNS else ("fixed",)
    assert scores["images"] == IDS[3:]
    assert tuple(scores["thresholds"]) == thresholds
    expected = [str(protocol) for protocol in PROTOCOLS if protocol.threshold in thresholds]
    assert sorted(scores["scores"]) == sorted(expected)
    assert {tuple(own) for own in scores["scores"].values()} == {SCORES}
    assert bool(scores["withheld"]) == (run not in RUNS)
    images = pd.read_csv(folder / "images.csv")
    assert len(images) == len(IDS[3:]) * len(MASKS) * len(TRUTHS) * len(thresholds)
    with np.load(folder / "draws.npz") as draws:
        assert set(draws) == {f"{protocol}/{score}" for protocol in expected for score in SCORES}
        assert {draws[name].shape for name in draws} == {(scores["draws"],)}
    roc = pd.read_csv(folder / "roc.csv").query("mask == 'fov'")
    ends = roc[["fpr", "tpr"]].iloc[[0, -1]].to_numpy().tolist() if len(roc) else None
    assert ends == ([[0, 0], [1, 1]] if run in RUNS else None)


def test_a_data_set_without_second_observers_has_no_row_of_them(project):
    samples = Path("data/raw/phantom/samples.csv")
    table = pd.read_csv(samples, dtype=str)
    samples.write_text(table.assign(second_observer="").to_csv(index=False))
    run_stage(project, "observer phantom")
    run_stage(project, "table phantom")
    assert "Second observer" not in Path("metrics/tables/phantom.md").read_text()
    assert json.loads(Path("data/scores/phantom/second_observer/scores.json").read_text()) == {"absent": IDS[3:]}


def test_table_for_dvc(finished):
    table = json.loads((finished / "metrics/tables/phantom.json").read_text())
    assert list(table["iternet"]) == ["whole", "patched"]
    for mode, seeds in table["iternet"].items():
        scores = json.loads((finished / f"data/scores/phantom/iternet/0/{mode}/scores.json").read_text())["scores"]
        expected = {
            mask: {name: round(scores[str(HEADLINE[mask])][name]["value"], 6) for name in SCORES} for mask in MASKS
        }
        assert seeds == {"0": expected}
    assert list(table["second_observer"]) == list(MASKS)
    assert "auc" not in table["second_observer"]["fov"]
    assert table["claims"] == [], "the paper knows no phantoms"


def test_table_for_people(finished):
    text = (finished / "metrics/tables/phantom.md").read_text()
    for line in (
        "- Protocol, unless a table says otherwise: pixels of all 2 test images pooled; truth at its native ",
        "- Training: 4 steps of 2 patches of 32 x 32 pixels.",
        "- Mode whole: each image in one pass; precision 32-true.",
        "- Mode patched: patches of 64 x 64 pixels at stride 48, overlaps averaged; precision 32-true.",
        "- **Too few images: with 2 test images Wilcoxon's p is at least .5000, so no difference",
    ):
        assert f"\n{line}" in text
    inside = text.split("## Inside the field of view")[1].split("##")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in inside.splitlines() if line.startswith("| ")]
    assert rows[2::2] == [
        ["IterNet", "whole", "ours"],
        ["IterNet", "patched", "ours"],
        ["Second observer", "", "labels"],
    ]
    assert rows[3::2] == [["95 % interval", "", ""]] * 3


def test_summary(finished):
    text = (finished / "metrics/summary.md").read_text()
    assert text.startswith("# Tables 1-3 of IterNet (WACV 2020): claimed, and ours\n")
    assert "Not run: `dvc repro table@drive`." in text
    assert "Phantom: not in the paper" in text


def test_curves_and_figures(finished):
    columns = {
        "roc": ["fpr", "tpr", "low", "high"],
        "pr": ["recall", "precision", "low", "high"],
        "connectivity": ["theta", "connectivity", "low", "high"],
        "calibration": ["bin_low", "bin_high", "pixels", "probability", "vessel", "low", "high"],
        "images": ["id", *SCORES],
    }
    for name, own in columns.items():
        table = pd.read_csv(finished / f"plots/{name}/phantom.csv")
        assert list(table.columns) == ["model", "mode", "seed", *own]
        assert set(table["mode"]) == {"whole", "patched"}
    assert len(pd.read_csv(finished / "plots/images/phantom.csv")) == 2 * len(IDS[3:])
    training = pd.read_csv(finished / "plots/training/phantom.csv")
    assert list(training.step) == [2, 4]
    for name in (*columns, "training", "gallery"):
        assert min(pixels(finished / f"plots/{name}/phantom.png").shape[:2]) > 300


def test_nothing_else_is_left(finished):
    files = {path for path in contents(finished) if (finished / path).is_file()}
    assert {path.split("/")[0] for path in files} == {"params.yaml", "data", "metrics", "plots"}
    assert not [path for path in files if ".part" in path]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(project, finished):
    shutil.rmtree(project / MODEL)
    run_stage(project, "train phantom iternet 0")
    run_stage(project, "train phantom iternet 1")
    assert contents(project / MODEL) == contents(finished / MODEL)
    names = ("weights.safetensors", "log.csv")
    first, other = (contents(project / f"data/models/phantom/iternet/{seed}") for seed in (0, 1))
    assert [first[name] == other[name] for name in names] == [False, False]


@pytest.mark.parametrize(
    ("commands", "folders"),
    [
        (["download phantom", "split phantom", "fov phantom", "network iternet"], ["data"]),
        (["predict phantom iternet 0 patched data", "threshold phantom iternet 0 patched data"], ["data"]),
        (["evaluate phantom iternet 0 patched data", "observer phantom"], ["data"]),
        (["table phantom", "summary"], ["metrics", "plots"]),
    ],
    ids=["cheap", "maps", "scores", "table"],
)
def test_run_again_a_stage_writes_the_same_bytes(project, finished, commands, folders):
    for command in commands:
        run_stage(project, command)
    for folder in folders:
        assert contents(project / folder) == contents(finished / folder)


def test_the_mean_and_spread_of_two_seeds(project):
    write_params(project, {"run": {"seeds": [0, 1], "modes": ["whole"]}})
    run_stage(project, "train phantom iternet 1")
    for word in ("predict", "threshold", "evaluate"):
        run_stage(project, f"{word} phantom iternet 1 whole data")
    run_stage(project, "table phantom")
    table = json.loads((project / "metrics/tables/phantom.json").read_text())["iternet"]
    assert {mode: list(seeds) for mode, seeds in table.items()} == {"whole": ["0", "1"]}
    f1 = [seed["fov"]["f1"] for seed in table["whole"].values()]
    text = (project / "metrics/tables/phantom.md").read_text()
    assert "| ours, 2 seeds |" in text
    assert f"{np.mean(f1):.4f} ± {np.std(f1, ddof=1):.4f}" in text
