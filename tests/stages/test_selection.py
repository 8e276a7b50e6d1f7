"""Nothing is chosen on test images: the threshold comes from training images, and is refused for those it saw."""

import ast
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from dvc.repo import Repo
from tiny_project import ROOT, contents, run_stage

from vesselbench.config import UserError
from vesselbench.data.levels import read_levels, write_levels
from vesselbench.data.sample import read_samples
from vesselbench.data.splits import read_split

CHOOSE = "threshold phantom iternet 0 whole data"
CHOSEN = Path("data/thresholds/phantom/iternet/0/whole.json")
MAPS = {
    "train": Path("data/training_maps/phantom/iternet/0/whole"),
    "test": Path("data/predictions/phantom/iternet/0/whole/test"),
}


@pytest.fixture(scope="module")
def pipeline():
    """Name of each stage, matrices resolved -> the paths that it depends on, and those that it makes."""
    with Repo(str(ROOT)) as repo:
        return {
            stage.addressing: ([dep.def_path for dep in stage.deps], [out.def_path for out in stage.outs])
            for stage in repo.index.stages
        }


def makers(pipeline, path):
    """Stages that make a path, what it lies in, or what lies in it."""
    return {
        name
        for name, (_, outs) in pipeline.items()
        if any(f"{path}/".startswith(f"{out}/") or f"{out}/".startswith(f"{path}/") for out in outs)
    }


def of(pipeline, word):
    return {name: paths for name, paths in pipeline.items() if name.startswith(f"{word}@")}


def test_the_threshold_depends_on_maps_of_training_images_alone(pipeline):
    assert of(pipeline, "threshold")
    for name, (deps, _) in of(pipeline, "threshold").items():
        run = name.removeprefix("threshold@").replace("-", "/")
        assert [dep for dep in deps if dep.startswith("data/training_maps")] == [f"data/training_maps/{run}"]
        assert not [dep for dep in deps if dep.startswith("data/predictions")]


def test_a_score_s_threshold_comes_from_that_stage_alone(pipeline):
    assert of(pipeline, "evaluate")
    for name, (deps, _) in of(pipeline, "evaluate").items():
        run = name.removeprefix("evaluate@")
        (path,) = [dep for dep in deps if dep.startswith("data/thresholds")]
        assert path == f"data/thresholds/{run.replace('-', '/')}.json"
        assert makers(pipeline, path) == {f"threshold@{run}"}


def test_no_score_flows_back_into_what_comes_before_it(pipeline):
    for name in of(pipeline, "threshold"):
        waiting, seen = [name], set()
        while waiting:
            seen.add(one := waiting.pop())
            waiting += sorted(set().union(*(makers(pipeline, dep) for dep in pipeline[one][0])) - seen)
        assert {one.split("@")[0] for one in seen} == {
            "download", "split", "fov", "network", "train", "predict", "threshold",
        }  # fmt: skip


@pytest.mark.parametrize("file", ["stages/threshold.py", "metrics/threshold.py"])
def test_the_code_that_chooses_never_names_the_test_subset(file):
    tree = ast.parse((ROOT / "src/vesselbench" / file).read_text())
    asked = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "scored_images"
    ]
    assert [ast.unparse(call) for call in asked] == ["scored_images(dataset, 'train')"] * file.startswith("stages")
    words = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert not [word for word in words if "test" in word.split("/")]


def split_ids(folder):
    split = read_split(folder / "data/splits/phantom.csv", read_samples(folder / "data/raw/phantom"))
    return {subset: {sample.id for sample in split[subset]} for subset in ("train", "test")}


def test_the_folder_it_reads_holds_the_training_images_alone(finished):
    ids = split_ids(finished)
    assert not ids["train"] & ids["test"]
    for subset, folder in MAPS.items():
        assert {path.stem for path in (finished / folder).iterdir()} == ids[subset]
    chosen = json.loads((finished / CHOSEN).read_text())
    assert set(chosen["images"]) == ids["train"]
    scores = json.loads((finished / "data/scores/phantom/iternet/0/whole/scores.json").read_text())
    assert scores["thresholds"]["training"]["level"] == chosen["level"]
    assert set(scores["images"]) == ids["test"]


def chosen_again(project):
    before = (project / CHOSEN).read_bytes()
    (project / CHOSEN).unlink()
    run_stage(project, CHOOSE)
    return before, (project / CHOSEN).read_bytes()


def test_other_test_maps_choose_the_same_threshold(project):
    generator = np.random.default_rng(0)
    for path in (project / MAPS["test"]).iterdir():
        write_levels(path, generator.random(read_levels(path).shape))
    before, after = chosen_again(project)
    assert after == before


def test_without_any_file_of_a_test_image_the_same_threshold_is_chosen(project):
    shutil.rmtree(project / MAPS["test"])
    for id in split_ids(project)["test"]:
        own = [path for path in project.joinpath("data").rglob("*") if path.is_file() and path.stem.startswith(id)]
        assert len(own) > 3  # photograph, labels, masks
        for path in own:
            path.unlink()
    before, after = chosen_again(project)
    assert after == before


def test_other_training_maps_choose_another_threshold(project):
    """So that the two tests above would see a stage that reads nothing at all."""
    for path in (project / MAPS["train"]).iterdir():
        write_levels(path, read_levels(path) / 65535 / 2)
    before, after = chosen_again(project)
    assert after != before


def test_a_threshold_that_was_chosen_on_a_test_image_is_refused(project):
    chosen = json.loads((project / CHOSEN).read_text())
    (seen, *_) = sorted(split_ids(project)["test"])
    (project / CHOSEN).write_text(json.dumps(chosen | {"images": [*chosen["images"], seen]}))
    before = contents(project)
    message = f"the threshold was chosen on {seen}, which would be scored with it; choose it on training images alone"
    with pytest.raises(UserError, match=message):
        run_stage(project, "evaluate phantom iternet 0 whole data")
    assert contents(project) == before
