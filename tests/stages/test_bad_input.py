"""Mistakes in names, values and data: one clear line with path, rule and fix, and the disk as before."""

from pathlib import Path

import pytest
from PIL import Image
from ruamel.yaml import YAML
from tiny_project import ROOT, contents, refused, run_stage, stage_process, write_params

from vesselbench.models.build import network_names
from vesselbench.stages import entry


def names_in(entry: str) -> str:
    """Names below an entry of params.yaml, in the order in which the tests' copy has them."""
    return ", ".join(sorted(YAML(typ="safe").load(ROOT / "params.yaml")[entry]))


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
        f"'iternett' is not defined in models, which has: {names_in('models')}; add it or correct the name",
    ),
    "network iternet": (
        {"models": {"iternet": {"widht": 8}}},
        "models: network 'iternet': parameter 'widht' is unknown; it takes width, iterations, dropout, shared_weights, "
        "cross_skips, refinery",
    ),
    "network unet": (
        {"models": {"unet": {"network": "iternet2"}}},
        f"models: network 'iternet2' is unknown; choose one of {', '.join(network_names())}",
    ),
    "train phantom iternet 0": (
        {"train": {"phantom": {"augmentation": {"zoom": {"amonut": 1}}}}},
        "train.phantom.augmentation.zoom.amonut is unknown; train.phantom.augmentation.zoom takes amount, probability",
    ),
    "predict phantom iternet 0 tiled data": (
        {},
        f"'tiled' is not defined in predict, which has: {names_in('predict')}; add it or correct the name",
    ),
    "predict phantom iternet 0 patched data": (
        {"predict": {"phantom": {"patched": {"strid": 3}}}},
        "predict.patched.strid is unknown; predict.patched takes mode, batch, output, bits, hardware, patch, "
        "stride, training_stride",
    ),
    "evaluate phantom iternet 0 whole data": (
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
    blank = {"models": {"iternet": {"train": None, "predict": None}}, "predict": {"phantom": {"whole": None}}}
    write_params(project, blank)
    before = contents(project)
    run_stage(project, "predict phantom iternet 0 whole data")
    run_stage(project, "train phantom iternet 0")
    assert contents(project) == before, "no changes to the default, as with {}"
    write_params(project, {"models": {"iternet": None}})
    assert refused("network iternet", monkeypatch) == (
        "error: params.yaml: models.iternet.network is missing; an entry of models needs network and preprocess, and "
        "train and predict, which are {} for the common recipe"
    )


@pytest.mark.parametrize(
    ("command", "entry", "message"),
    [
        (
            "train phantom iternet 0",
            {"train": {"redcued": {"steps": 1}}},
            "models.iternet.train.redcued is unknown; its layers are default, chase_db1, drive, phantom, stare, full, "
            "reduced, brief",
        ),
        (
            "predict phantom iternet 0 patched data",
            {"predict": {"pached": {"stride": 5}}},
            "models.iternet.predict.pached is unknown; its layers are whole, patched",
        ),
    ],
)
def test_an_own_recipe_for_nothing_known(project, monkeypatch, command, entry, message):
    write_params(project, {"models": {"iternet": entry}})
    assert refused(command, monkeypatch) == f"error: params.yaml: {message}"


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
        ("evaluate phantom iternet 0 whole data", "labels/p04"),
        ("threshold phantom iternet 0 whole data", "labels/p01"),
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
        "predict phantom iternet 0 whole data",
        "threshold phantom iternet 0 whole data",
        "evaluate phantom iternet 0 whole data",
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
            "predict phantom iternet 0 whole data",
            "data/models/phantom/iternet/0/model.json",
            "no model.json here; train the network first with dvc repro",
        ),
        (
            "evaluate phantom iternet 0 whole data",
            "data/predictions/phantom/iternet/0/whole/test/p04.png",
            "no such file; run the stage that writes it, or correct the path",
        ),
        (
            "evaluate phantom iternet 0 whole data",
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
