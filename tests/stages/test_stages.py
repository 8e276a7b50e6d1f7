"""From nothing to a table: every stage once, and what it leaves."""

import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.torch import load_file
from tiny_project import ROOT, contents, run_stage, write_params

from vesselbench.data.sample import read_samples
from vesselbench.metrics.record import MASKS, SCORES

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
    assert network["arguments"] == {"width": 4, "iterations": 2, "dropout": 0.1}
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
    maps = sorted((finished / f"data/predictions/phantom/iternet/0/{mode}/test").iterdir())
    assert [path.name for path in maps] == ["p04.png", "p05.png"], "test images only"
    for path in maps:
        levels = pixels(path)
        assert (levels.dtype, levels.shape) == (np.uint16, (SIDE, SIDE))
        assert levels.min() < levels.max()


@pytest.mark.parametrize("mode", ["whole", "patched"])
def test_evaluate(finished, mode):
    folder = finished / f"data/scores/phantom/iternet/0/{mode}"
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["protocol"]["images"] == 2
    assert {mask: tuple(scores["pooled"][mask]) for mask in MASKS} == dict.fromkeys(MASKS, SCORES)
    images = pd.read_csv(folder / "images.csv")
    assert list(zip(images.id, images["mask"], strict=True)) == [(name, mask) for name in IDS[3:] for mask in MASKS]
    roc = pd.read_csv(folder / "roc.csv").query("mask == 'fov'")
    ends = roc[["fpr", "tpr"]].iloc[[0, -1]]
    assert ends.to_numpy().tolist() == [[0, 0], [1, 1]]


def test_table_for_dvc(finished):
    table = json.loads((finished / "metrics/tables/phantom.json").read_text())
    assert list(table) == ["iternet", "second_observer"]
    assert list(table["iternet"]) == ["whole", "patched"]
    for mode, seeds in table["iternet"].items():
        scores = json.loads((finished / f"data/scores/phantom/iternet/0/{mode}/scores.json").read_text())
        expected = {m: {name: round(scores["pooled"][m][name], 6) for name in SCORES} for m in MASKS}
        assert seeds == {"0": expected}
    assert list(table["second_observer"]) == list(MASKS)
    assert "auc" not in table["second_observer"]["fov"]


def test_table_for_people(finished):
    text = (finished / "metrics/tables/phantom.md").read_text()
    for line in (
        "- Protocol: pixels of all 2 test images pooled; vessel where p >= 0.5 (16-bit level >= 32768); truth: first ",
        "- Training: 4 steps of 2 patches of 32 x 32 pixels.",
        "- Mode whole: each image in one pass; precision 32-true.",
        "- Mode patched: patches of 64 x 64 pixels at stride 48, overlaps averaged; precision 32-true.",
    ):
        assert f"\n{line}" in text
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in text.splitlines() if line.startswith("| ")]
    inside = [row for row in rows[: len(rows) // 2] if not row[0].startswith(("Method", "--"))]
    assert inside == [["IterNet", "whole", "ours"], ["IterNet", "patched", "ours"], ["Second observer", "", "labels"]]


def test_curves_and_figures(finished):
    roc = pd.read_csv(finished / "plots/roc/phantom.csv")
    assert list(roc.columns) == ["model", "mode", "seed", "fpr", "tpr"]
    assert set(roc["mode"]) == {"whole", "patched"}
    training = pd.read_csv(finished / "plots/training/phantom.csv")
    assert list(training.step) == [2, 4]
    for name in ("roc", "training", "gallery"):
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
        (["predict phantom iternet 0 patched", "evaluate phantom iternet 0 patched"], ["data"]),
        (["table phantom"], ["metrics", "plots"]),
    ],
    ids=["cheap", "maps and scores", "table"],
)
def test_run_again_a_stage_writes_the_same_bytes(project, finished, commands, folders):
    for command in commands:
        run_stage(project, command)
    for folder in folders:
        assert contents(project / folder) == contents(finished / folder)


def test_the_mean_and_spread_of_two_seeds(project):
    write_params(project, {"run": {"seeds": [0, 1], "modes": ["whole"]}})
    for command in ("train phantom iternet 1", "predict phantom iternet 1 whole", "evaluate phantom iternet 1 whole"):
        run_stage(project, command)
    run_stage(project, "table phantom")
    table = json.loads((project / "metrics/tables/phantom.json").read_text())["iternet"]
    assert {mode: list(seeds) for mode, seeds in table.items()} == {"whole": ["0", "1"]}
    f1 = [seed["fov"]["f1"] for seed in table["whole"].values()]
    text = (project / "metrics/tables/phantom.md").read_text()
    assert "| ours, 2 seeds |" in text
    assert f"{np.mean(f1):.4f} ± {np.std(f1, ddof=1):.4f}" in text
