"""Reading what the stages left, for the runs of params.yaml."""

import json

import pytest

from vesselbench.config import UserError
from vesselbench.metrics.protocol import HEADLINE, Protocol
from vesselbench.reports.runs import scores_of

FOV = HEADLINE["fov"]


def test_scores_are_one_tidy_frame_in_the_order_of_params(project):
    project.add("unet", f1=0.74).add("iternet", f1=0.8, modes=["whole", "patched"]).add("dropped").runs.popitem()
    project.runs["stare-unet-0"] = {"data": "stare"}
    results = project.results()
    assert results.labels == ["unet", "iternet"]
    assert list(results.maps["mode"]) == ["patched", "whole", "patched"]
    scores = results.scores.set_index(["label", "mode", "channel", "seed", "split", "protocol", "score"])["value"]
    assert scores["unet", "patched", "vessel", 0, "drive", str(FOV), "f1"] == 0.74
    assert len(scores) == 3 * 24 * 14
    assert set(results.images["id"]) == {"01", "02"}, "ids keep their leading zeros"


def test_seeds_give_mean_spread_and_the_interval_of_the_mean(two_seeds):
    own = scores_of(two_seeds.results().averages, "unet", "patched", FOV)
    assert own.loc["f1"].tolist() == pytest.approx([0.72, 0.04 / 2**0.5, 0.682, 0.758, 2])
    resized = scores_of(two_seeds.results().averages, "unet", "patched", Protocol("fov", size="round_trip"))
    assert resized.loc["auc", ["low", "high"]].notna().all(), "draws of it are not kept"
    own = scores_of(two_seeds.add("unet", seed=2, binary=True).results().averages, "unet", "patched", FOV)
    assert own.loc["auc", ["value", "low"]].isna().all(), "withheld from one seed is withheld"


@pytest.mark.parametrize("name", ["run.json", "patched/vessel/scores.json", "patched/vessel/draws.npz"])
def test_a_run_without_scores_names_the_stage_that_makes_them(one_seed, name):
    path = one_seed.root / "drive/drive-unet-0" / name
    path.unlink()
    with pytest.raises(UserError) as error:
        one_seed.results()
    assert str(error.value) == f"{path}: no such file; run 'dvc repro evaluate@drive-unet-0' first"


@pytest.mark.parametrize(("key", "value"), [("images", ["01", "03"]), ("draws", 7), ("protocol", {"truth": ""})])
def test_scores_of_one_split_made_in_different_ways_are_refused(one_seed, key, value):
    path = one_seed.root / "drive/drive-unet-0/patched/vessel/scores.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(UserError) as error:
        one_seed.results()
    first = one_seed.root / "drive/drive-iternet-0/patched/vessel/scores.json"
    assert str(error.value).startswith(f"{path}: images, draws or protocol differ from those of {first}; a table takes")
    assert str(error.value).endswith("run 'dvc repro evaluate@drive-unet-0' first")


def test_the_second_observer_may_be_absent_but_not_forgotten(project):
    with pytest.raises(UserError, match=r"drive/scores\.json: no such file; run 'dvc repro observer@drive' first"):
        project.add("unet").observers()
    assert project.observe().observers()["drive"].labels == ["second_observer"]
    assert project.observe_none().observers() == {"drive": None}


def test_curves_are_joined_behind_the_names_of_their_runs(two_seeds):
    curves = two_seeds.results().curves("roc")
    assert [*curves] == ["label", "mode", "seed", "fpr", "tpr", "low", "high"]
    sizes = curves.groupby(["label", "seed"], sort=False).size()
    assert sizes.to_dict() == {(label, seed): 3 for seed in (0, 1) for label in ("iternet", "unet")}  # of the fov
