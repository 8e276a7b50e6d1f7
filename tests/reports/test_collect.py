"""Reading what the stages left, for the runs asked for."""

import json

import pandas as pd
import pytest

from vesselbench.config import UserError
from vesselbench.reports.collect import keys_of, read_curves, read_observer, read_results, read_run, read_training

BOTH = ["iternet", "unet"]


def test_results_come_in_the_order_asked_for(scores_folder):
    results = read_results(scores_folder, keys_of(["unet", "iternet"], [1, 0], ["patched"]))
    assert [*results] == ["unet", "iternet"]
    assert [*results["unet"]["patched"]] == [1, 0]
    assert results["unet"]["patched"][1].scores["scores"]["fov-pooled-native-fixed"]["f1"]["value"] == 0.74


def test_a_missing_run_of_another_group_names_the_stage_of_its_group(scores_folder):
    keys = keys_of(["iternet"], [0], ["patched"]) | keys_of(["wnet"], [0], ["patched"], "more_")
    with pytest.raises(UserError, match=r"run 'dvc repro more_evaluate@drive-wnet-0-patched' first"):
        read_results(scores_folder, keys)


def test_models_not_asked_for_are_ignored(scores_folder):
    (scores_folder / "old_model" / "0" / "patched").mkdir(parents=True)
    assert [*read_results(scores_folder, keys_of(["unet"], [0], ["patched"]))] == ["unet"]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("scores.json", lambda folder: read_results(folder, keys_of(BOTH, [0], ["whole"]))),
        ("roc.csv", lambda folder: read_curves("roc.csv", folder, keys_of(BOTH, [0], ["whole"]))),
    ],
)
def test_a_missing_run_names_the_stage_that_makes_it(scores_folder, name, read):
    with pytest.raises(UserError) as error:
        read(scores_folder)
    path = scores_folder / "iternet" / "0" / "whole" / name
    assert str(error.value) == f"{path}: no such file; run 'dvc repro evaluate@drive-iternet-0-whole' first"


def test_a_missing_log_names_the_stage_that_lays_it_beside_the_maps(predictions_folder):
    with pytest.raises(
        UserError, match=r"training\.csv: no such file; run 'dvc repro predict@drive-unet-7-patched' first"
    ):
        read_training(predictions_folder, keys_of(["unet"], [7], ["patched"]))


@pytest.mark.parametrize(
    ("part", "value"), [("images", ["01", "03"]), ("draws", 7), ("protocol", {"truth": "another"})]
)
def test_scores_made_in_different_ways_are_refused(scores_folder, part, value):
    path = scores_folder / "unet" / "0" / "patched" / "scores.json"
    scores = json.loads(path.read_text())
    scores[part] = value
    path.write_text(json.dumps(scores))
    with pytest.raises(UserError) as error:
        read_results(scores_folder, keys_of(BOTH, [0], ["patched"]))
    first = scores_folder / "iternet" / "0" / "patched" / "scores.json"
    assert str(error.value) == (
        f"{path}: images, draws or protocol differ from those of {first}; a table takes scores made alike; "
        "run 'dvc repro evaluate@drive-unet-0-patched'"
    )


def test_a_run_has_scores_draws_and_images(scores_folder):
    run = read_run(scores_folder / "unet" / "0" / "patched", "evaluate@drive-unet-0-patched")
    assert set(run.images["id"]) == set(run.scores["images"]), "ids keep their leading zeros"
    assert run.draws["fov-pooled-native-fixed/f1"].shape == (run.scores["draws"],)


def test_a_second_observer_that_is_absent(scores_folder):
    place = scores_folder / "second_observer"
    place.mkdir()
    (place / "scores.json").write_text('{"absent": ["02"]}')
    assert read_observer(scores_folder) is None


def test_a_second_observer_that_was_not_scored(scores_folder):
    with pytest.raises(UserError, match=r"scores\.json: no such file; run 'dvc repro observer@drive' first"):
        read_observer(scores_folder)


def test_curves_are_joined_behind_the_names_of_their_runs(scores_folder):
    curves = read_curves("roc.csv", scores_folder, keys_of(BOTH, [0, 1], ["patched"]))
    assert [*curves][:4] == ["model", "mode", "seed", "mask"]
    rows = len(pd.read_csv(scores_folder / "iternet" / "0" / "patched" / "roc.csv"))
    assert curves.groupby(["model", "seed"], sort=False).size().to_dict() == {
        (model, seed): rows for model in BOTH for seed in (0, 1)
    }


def test_the_training_log_has_the_last_output_of_each_network(predictions_folder):
    log = read_training(predictions_folder, keys_of(BOTH, [0], ["patched"]))
    assert [*log] == ["model", "seed", "step", "loss", "last_output", "learning_rate"]
    assert log["last_output"].round(6).tolist() == [0.3, 0.1, 0.4, 0.2]
    assert log["model"].tolist() == ["iternet", "iternet", "unet", "unet"]
