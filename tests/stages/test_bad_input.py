"""Mistakes in names, values and data: one clear line with path, rule and fix, and the disk as before."""

from pathlib import Path

import pytest
from PIL import Image
from tiny_project import contents, refused, run_stage, stage_process, write_params

from vesselbench.stages import entry

UNKNOWN = {
    "download drvie": (
        {},
        "'drvie' is not defined in datasets, which has: chase_db1, drive, phantom, stare; add it or correct the name",
    ),
    "download phantom": (
        {"datasets": {"phantom": {"source": {"sise": 128}}}},
        "datasets.phantom.source.sise is unknown; datasets.phantom.source takes size, train, test, seed",
    ),
    "split phantom": (
        {"datasets": {"phantom": {"split": {"scheme": "offical"}}}},
        "datasets.phantom.split: scheme is 'offical'; it must be one of official, first_n, kfold, leave_one_out",
    ),
    "fov phantom": (
        {"datasets": {"phantom": {"fov": {"source": "oficial"}}}},
        "datasets.phantom.fov: source is 'oficial'; it must be official or estimated",
    ),
    "network iternett": (
        {},
        "'iternett' is not defined in models, which has: denseblock_unet, iternet, unet; add it or correct the name",
    ),
    "network iternet": (
        {"models": {"iternet": {"widht": 8}}},
        "models: network 'iternet': parameter 'widht' is unknown; it takes width, iterations, dropout",
    ),
    "network unet": (
        {"models": {"unet": {"network": "iternet2"}}},
        "models: network 'iternet2' is unknown; choose one of iternet, smp",
    ),
    "train phantom iternet 0": (
        {"train": {"phantom": {"augmentation": {"zoom": {"amonut": 1}}}}},
        "train.phantom.augmentation.zoom.amonut is unknown; train.phantom.augmentation.zoom takes amount, probability",
    ),
    "predict phantom iternet 0 tiled": (
        {},
        "'tiled' is not defined in predict, which has: chase_db1, default, drive, patched, phantom, stare, whole; "
        "add it or correct the name",
    ),
    "predict phantom iternet 0 patched": (
        {"predict": {"phantom": {"patched": {"strid": 3}}}},
        "predict.patched.strid is unknown; predict.patched takes mode, batch, every_output, hardware, patch, stride, "
        "training_stride",
    ),
    "evaluate phantom iternet 0 whole": (
        {"evaluate": {"treshold": 0.4}},
        "evaluate.treshold is unknown; evaluate takes threshold, connectivity_tolerance, draws, seed, curve_points",
    ),
    "observer phantom": (
        {"evaluate": {"threshold": 1.5}},
        "evaluate: threshold is 1.5; it must be above 0 and at most 1",
    ),
}


@pytest.mark.parametrize("command", UNKNOWN)
def test_unknown_names_and_values(project, monkeypatch, command):
    change, message = UNKNOWN[command]
    write_params(project, change)
    assert refused(command, monkeypatch) == f"error: params.yaml: {message}"


def test_unknown_name_as_a_process(project):
    _, message = UNKNOWN["download drvie"]
    process = stage_process(project, "download drvie")
    assert process.communicate() == ("", f"error: params.yaml: {message}\n")
    assert process.returncode == 1


def test_an_entry_left_blank(project, monkeypatch):
    write_params(project, {"models": {"iternet": None}, "predict": {"phantom": {"whole": None}}})
    before = contents(project)
    run_stage(project, "predict phantom iternet 0 whole")
    assert contents(project) == before, "no changes to the default, as with {}"
    assert refused("network iternet", monkeypatch) == (
        "error: params.yaml: models.iternet.network is missing; an entry of models needs network and preprocess"
    )


@pytest.mark.parametrize("command", ["train phantom iternet", "train phantom iternet 0 1"])
def test_wrong_number_of_words(project, monkeypatch, command):
    found = command.removeprefix("train ")
    assert refused(command, monkeypatch) == f"error: vesselbench.stages.train takes DATASET MODEL SEED, not {found}"


def test_a_seed_that_is_no_number(project, monkeypatch):
    assert refused("train phantom iternet zero", monkeypatch) == (
        "error: params.yaml: run.seeds: 'zero' is no whole number from 0; correct it"
    )


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("train phantom iternet 0", "labels/p01"),
        ("evaluate phantom iternet 0 whole", "labels/p04"),
        ("threshold phantom iternet 0 whole", "labels/p01"),
        ("observer phantom", "second_observer/p05"),
    ],
)
@pytest.mark.parametrize("fault", ["size", "levels"])
def test_labels_that_cannot_be(project, monkeypatch, command, name, fault):
    path = Path(f"data/raw/phantom/{name}.png")
    with Image.open(path) as image:
        label = image.copy()
    if fault == "size":
        label = label.crop((0, 0, 130, 120))
        message = "120 x 130 (rows x columns), but the image that it belongs to is 130 x 130; both must be of one size"
    else:
        label.putpixel((3, 3), 128)
        message = (
            "3 grey values (0, 128, 255, ...); a binary label has at most two, background and vessel; "
            "threshold it, and store it in a format without loss such as PNG"
        )
    label.save(path)
    assert refused(command, monkeypatch) == f"error: {path}: {message}"


@pytest.mark.parametrize(
    "command",
    [
        "train phantom iternet 0",
        "predict phantom iternet 0 whole",
        "threshold phantom iternet 0 whole",
        "evaluate phantom iternet 0 whole",
        "observer phantom",
    ],
)
def test_a_split_whose_train_and_test_overlap(project, monkeypatch, command):
    path = Path("data/splits/phantom.csv")
    path.write_text(path.read_text() + "p01,test\n")
    assert refused(command, monkeypatch) == f"error: {path}: p01 is in both train and test; list every id once"


@pytest.mark.parametrize(
    ("command", "absent", "message"),
    [
        ("split phantom", "data/raw/phantom/samples.csv", "no such file; run 'dvc repro download@phantom' first"),
        (
            "train phantom iternet 0",
            "data/networks/iternet.json",
            "no such file; run 'dvc repro network@iternet' first",
        ),
        ("train phantom iternet 0", "data/splits/phantom.csv", "no such file; run 'dvc repro split@phantom' first"),
        (
            "predict phantom iternet 0 whole",
            "data/models/phantom/iternet/0/model.json",
            "no model.json here; train the network first with dvc repro",
        ),
        (
            "evaluate phantom iternet 0 whole",
            "data/predictions/phantom/iternet/0/whole/test/p04.png",
            "no such file; run the stage that writes it, or correct the path",
        ),
        (
            "evaluate phantom iternet 0 whole",
            "data/thresholds/phantom/iternet/0/whole.json",
            "no such file; run 'dvc repro threshold@phantom-iternet-0-whole' first",
        ),
        (
            "table phantom",
            "data/scores/phantom/second_observer/scores.json",
            "no such file; run 'dvc repro observer@phantom' first",
        ),
        (
            "table phantom",
            "data/scores/phantom/iternet/0/whole/scores.json",
            "no such file; run 'dvc repro evaluate@phantom-iternet-0-whole' first",
        ),
    ],
)
def test_a_stage_whose_input_is_absent_names_the_stage_before(project, monkeypatch, command, absent, message):
    Path(absent).unlink()
    place = Path(absent).parent if "model.json" in absent else absent
    assert refused(command, monkeypatch) == f"error: {place}: {message}"


def test_the_code_of_another_copy_is_not_run(project, monkeypatch):
    Path("src/vesselbench").mkdir(parents=True)
    line = refused("split phantom", monkeypatch)
    assert line.startswith(f"error: the code that would run is {Path(entry.__file__).parents[1]}, but this folder has")
    assert "set PYTHONPATH=src" in line
