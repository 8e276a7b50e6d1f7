"""From nothing to the tables: every stage once, with the words of dvc.yaml, and what it leaves."""

import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.torch import load_file
from tiny_project import GONE, LINE, ROOT, RUN, SIDE, UNTRAINED, contents, pipeline, run_stage, write_params

from vesselbench.data.fov import diameter
from vesselbench.data.images import read_pixels
from vesselbench.data.maps import read_thresholds
from vesselbench.data.sample import read_samples
from vesselbench.metrics.protocol import HEADLINE, PROTOCOLS

IDS = ["p01", "p02", "p03", "p04", "p05"]
MODEL, MAPS = f"data/models/phantom/{RUN}", f"data/maps/phantom/{RUN}"
MODES = ["whole", "patched"]


def read_json(path):
    return json.loads(path.read_text())


def test_download_split_and_fov(finished):
    text = (finished / "data/splits/phantom/phantom.csv").read_text()
    assert text == "id,subset\np01,train\np02,train\np03,train\np04,test\np05,test\n"
    for sample in read_samples(finished / "data/raw/phantom"):
        assert read_pixels(sample.image).shape == (SIDE, SIDE, 3)
        assert set(np.unique(read_pixels(sample.truth))) == {0, 255}
        assert np.array_equal(read_pixels(finished / f"data/fov/phantom/{sample.id}.png"), read_pixels(sample.fov))


def test_network_and_train(finished):
    params = yaml.safe_load((finished / "params.yaml").read_text())
    network, about = read_json(finished / "data/networks/iternet.json"), read_json(finished / MODEL / "model.json")
    assert {"network": network["network"]} | network["arguments"] == params["models"]["iternet"]
    code = (ROOT / "src/vesselbench/models/iternet.py").read_bytes()
    assert network["code"]["iternet.py"] == hashlib.sha256(code).hexdigest()
    weights = load_file(finished / MODEL / "weights.safetensors")
    assert network["parameters"] == about["parameters"] == sum(tensor.numel() for tensor in weights.values())
    assert about["recipe"] == params["train"]["demo"], "a recipe is whole: nothing is laid over it"
    masks = [read_pixels(finished / f"data/fov/phantom/{name}.png") for name in IDS[:3]]
    expected = {"network": "iternet", "task": "vessel", "seed": 0, "split": "phantom", "training_ids": IDS[:3]}
    expected["diameter"] = np.median([diameter(mask) for mask in masks])
    assert {name: about[name] for name in expected} == expected
    log = pd.read_csv(finished / MODEL / "log.csv")
    assert (log.columns.tolist(), log.step.tolist()) == (["step", "loss", "loss_1", "loss_2", "learning_rate"], [3, 6])
    assert not list((finished / ".checkpoints").rglob("*.pt")), "a finished run keeps no checkpoint"


@pytest.mark.parametrize("mode", MODES)
def test_predict_and_evaluate(finished, mode):
    maps = {path.stem: read_pixels(path) for path in (finished / MAPS / mode / "vessel").iterdir()}
    assert sorted(maps) == IDS[3:], "the test images; maps of training images are counted and never stored"
    for levels in maps.values():
        assert (levels.dtype, levels.shape, levels.min() < levels.max()) == (np.uint16, (SIDE, SIDE), True)
    chosen = read_thresholds(finished / MAPS / mode / "threshold.json")["vessel"]
    assert (chosen.images, 0 < chosen.f1 < 1) == (tuple(IDS[:3]), True)
    scores = read_json(finished / f"data/scores/phantom/{RUN}/{mode}/vessel/scores.json")
    assert (scores["images"], scores["thresholds"]["training"]["level"]) == (IDS[3:], chosen.level)
    assert scores["scores"].keys() == {*map(str, PROTOCOLS)}


@pytest.mark.parametrize(("run", "recipe", "modes"), [(RUN, "demo", MODES), (UNTRAINED, "untrained", ["whole"])])
def test_what_the_tables_say_of_a_run_travels_with_its_scores(finished, run, recipe, modes):
    model, maps, scores = (finished / "data" / kind / "phantom" / run for kind in ("models", "maps", "scores"))
    about, label = read_json(scores / "run.json"), run.split("-")[1]
    assert (scores / "run.json").read_bytes() == (maps / "run.json").read_bytes()
    assert about["about"] == read_json(model / "model.json")
    assert [about[name] for name in ("label", "model", "seed", "recipe")] == [label, label, 0, recipe]
    assert [*about["modes"]] == sorted((path.name for path in scores.iterdir() if path.is_dir()), reverse=True) == modes
    assert (scores / "training.csv").read_bytes() == (model / "log.csv").read_bytes()
    assert len(pd.read_csv(scores / "training.csv")) == (2 if run == RUN else 0), "nothing learned: the log is empty"


def test_table(finished):
    table = read_json(finished / "metrics/tables/phantom.json")
    assert (set(table["iternet"]), set(table["iter_seg"])) == (set(MODES), {"whole"})
    scores = read_json(finished / f"data/scores/phantom/{RUN}/whole/vessel/scores.json")["scores"]
    values = {name: each["value"] for name, each in scores[str(HEADLINE["fov"])].items()}
    assert table["iternet"]["whole"]["0"]["fov"] == pytest.approx(values, abs=1e-6)
    assert "auc" not in table["second_observer"]["fov"]
    assert "rotation 180 degrees (probability 0.5)" in (finished / f"docs/models/phantom/{RUN}.md").read_text()


def test_the_stages_make_what_dvc_lists_and_nothing_else(finished):
    lists = [own.get(kind, []) for own in pipeline(finished).values() for kind in ("outs", "metrics", "plots")]
    listed = {path for own in lists for out in own for path in (out if isinstance(out, dict) else [out])}
    assert [path for path in sorted(listed) if not (finished / path).exists()] == []
    files = {path for path in contents(finished) if (finished / path).is_file()} - {"params.yaml"}
    assert [path for path in sorted(files) if not any(f"{path}/".startswith(f"{out}/") for out in listed)] == []


def test_run_again_every_stage_writes_the_same_bytes(project, finished):
    for folder in ("data", "metrics", "plots", "docs"):
        shutil.rmtree(project / folder)
    for stage in pipeline(project):
        run_stage(project, stage)
    assert contents(project) == contents(finished)


def test_a_second_seed_has_other_weights_and_absent_second_observers_no_row(project):
    again = "phantom-iternet-1"
    write_params(project, {f"runs.{again}": LINE | {"seed": 1}, f"runs.{UNTRAINED}": GONE})
    samples = project / "data/raw/phantom/samples.csv"
    samples.write_text(pd.read_csv(samples, dtype=str).assign(second_observer="").to_csv(index=False))
    for stage in (f"train@{again}", f"predict@{again}", f"evaluate@{again}", "observer@phantom", "table@phantom"):
        run_stage(project, stage)
    first, second = (contents(project / f"data/models/phantom/{run}") for run in (RUN, again))
    assert first["weights.safetensors"] != second["weights.safetensors"]
    assert read_json(project / "data/scores/phantom/second_observer/phantom/scores.json") == {"absent": IDS[3:]}
    table = read_json(project / "metrics/tables/phantom.json")
    assert {mode: [*seeds] for mode, seeds in table["iternet"].items()} == dict.fromkeys(MODES, ["0", "1"])
    assert "second_observer" not in table


def test_networks_are_trained_and_thresholds_chosen_without_any_label_of_a_test_image(project, finished):
    for name in IDS[3:]:
        for path in project.joinpath("data").rglob(f"{name}.png"):
            if path.parent.name != "images" and "fov" not in path.parts:
                path.unlink()
    for word in ("train", "predict"):
        run_stage(project, f"{word}@{RUN}")
    for folder in (MODEL, MAPS):
        assert contents(project / folder) == contents(finished / folder)
