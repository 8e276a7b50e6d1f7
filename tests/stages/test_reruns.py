"""What runs again after a change: the stages that must, and no others."""

import json
import sys

import pytest
from repository import Repository, copy_repository
from tiny_project import write_params

TWO_MODELS = {
    "run": {"models": ["iternet", "unet"]},
    "models": {"unet": {"encoder_name": "resnet18", "encoder_depth": 3, "decoder_channels": [16, 8, 4]}},
}
MODELS, MODES = ("iternet", "unet"), ("whole", "patched")


@pytest.fixture(scope="module")
def dvc(tmp_path_factory):
    """Copy the repository, run all of it, and return what calls DVC there."""
    dvc = Repository(tmp_path_factory.mktemp("repository"), tmp_path_factory.mktemp("private"))
    copy_repository(dvc.folder, TWO_MODELS)
    (dvc.folder / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    imported = dvc.run(sys.executable, "-c", "import vesselbench.config; print(vesselbench.config.__file__)")
    assert imported.strip() == str(dvc.folder / "src/vesselbench/config.py")
    dvc("repro", "--quiet")
    return dvc


@pytest.fixture
def file_to_change(dvc, request):
    """A file of the copy, which is put back afterwards."""
    path = dvc.folder / request.param
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def stale(dvc):
    """Names of the stages of which DVC sees that they must run again, before any runs."""
    return set(json.loads(dvc("status", "--json")))


def each(word, models=MODELS, modes=MODES):
    return {f"{word}@phantom-{model}-0-{mode}" for model in models for mode in modes}


def test_after_all_has_run_nothing_is_left_to_do(dvc):
    assert (dvc.folder / "metrics/tables/phantom.md").exists()
    assert stale(dvc) == set()


@pytest.mark.parametrize("file_to_change", ["params.yaml"], indirect=True)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"predict": {"phantom": {"patched": {"stride": 32}}}}, each("predict", modes=["patched"])),
        ({"evaluate": {"threshold": 0.4}}, each("evaluate") | {"observer@phantom"}),
        ({"train": {"phantom": {"steps": 5}}}, {"train@phantom-iternet-0", "train@phantom-unet-0"}),
        ({"train": {"drive": {"steps": 5}}, "models": {"denseblock_unet": {"encoder_name": "densenet169"}}}, set()),
    ],
    ids=["stride", "threshold", "recipe", "of what is not run"],
)
def test_a_parameter(dvc, file_to_change, change, expected):
    write_params(dvc.folder, TWO_MODELS, change)
    assert stale(dvc) == expected


@pytest.mark.parametrize(
    ("file_to_change", "expected"),
    [
        ("src/vesselbench/reports/tables.py", {"table@phantom"}),
        ("src/vesselbench/data/sources/drive/source.py", set()),
        ("src/vesselbench/data/sources/phantom/vessels.py", {"download@phantom"}),
        ("src/vesselbench/prediction/tiling.py", each("predict")),
        ("src/vesselbench/training/loop.py", {"train@phantom-iternet-0", "train@phantom-unet-0"}),
    ],
    indirect=["file_to_change"],
)
def test_a_code_file(dvc, file_to_change, expected):
    file_to_change.write_text(file_to_change.read_text() + "# a comment\n")
    assert stale(dvc) == expected


@pytest.mark.parametrize(
    ("file_to_change", "old", "new", "expected"),
    [
        ("params.yaml", "dropout: 0.1", "dropout: 0.2", {"network@iternet"}),
        (
            "src/vesselbench/models/iternet.py",
            "import torch\n",
            "import torch  # once\n",
            {"network@iternet", "network@unet"},
        ),
    ],
    indirect=["file_to_change"],
)
def test_a_change_of_one_network_leaves_the_other_trained(dvc, file_to_change, old, new, expected):
    before = file_to_change.read_text()
    assert old in before
    file_to_change.write_text(before.replace(old, new, 1))
    assert stale(dvc) == expected, "seconds each: they tell whose code or arguments changed"
    dvc("repro", "network")
    assert stale(dvc) == {"train@phantom-iternet-0"} | each("predict", models=["iternet"])
    file_to_change.write_text(before)
    dvc("repro", "network")
    assert stale(dvc) == set(), "taken back, nothing is to do"
