"""Reading what the stages left, for the runs asked for."""

import json

import pytest

from vesselbench.config import UserError
from vesselbench.reports.collect import read_image_scores, read_results, read_roc, read_training

BOTH = ["iternet", "unet"]


def test_results_come_in_the_order_asked_for(scores_folder):
    results = read_results(scores_folder, ["unet", "iternet"], [1, 0], ["patched"])
    assert [*results] == ["unet", "iternet"]
    assert [*results["unet"]["patched"]] == [1, 0]
    assert results["unet"]["patched"][1]["pooled"]["fov"]["f1"] == 0.74


def test_models_not_asked_for_are_ignored(scores_folder):
    (scores_folder / "old_model" / "0" / "patched").mkdir(parents=True)
    assert [*read_results(scores_folder, ["unet"], [0], ["patched"])] == ["unet"]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("scores.json", lambda folder: read_results(folder, BOTH, [0], ["whole"])),
        ("roc.csv", lambda folder: read_roc(folder, BOTH, [0], ["whole"])),
        ("images.csv", lambda folder: read_image_scores(folder, BOTH, 0, "whole")),
    ],
)
def test_a_missing_run_names_the_stage_that_makes_it(scores_folder, name, read):
    with pytest.raises(UserError) as error:
        read(scores_folder)
    path = scores_folder / "iternet" / "0" / "whole" / name
    assert str(error.value) == f"{path}: no such file; run 'dvc repro evaluate@drive-iternet-0-whole' first"


def test_a_missing_log_names_the_training(models_folder):
    with pytest.raises(UserError, match=r"log\.csv: no such file; run 'dvc repro train@drive-unet-7' first"):
        read_training(models_folder, ["unet"], [7])


def test_scores_of_two_protocols_are_refused(scores_folder):
    path = scores_folder / "unet" / "0" / "patched" / "scores.json"
    scores = json.loads(path.read_text())
    scores["protocol"]["images"] = 3
    path.write_text(json.dumps(scores))
    with pytest.raises(UserError) as error:
        read_results(scores_folder, BOTH, [0], ["patched"])
    first = scores_folder / "iternet" / "0" / "patched" / "scores.json"
    assert str(error.value) == (
        f"{path}: its protocol differs from that of {first}; a table takes scores of one protocol; "
        "run 'dvc repro evaluate@drive-unet-0-patched'"
    )


def test_roc_curves_are_joined_inside_the_field_of_view(scores_folder):
    curves = read_roc(scores_folder, BOTH, [0, 1], ["patched"])
    assert [*curves] == ["model", "mode", "seed", "fpr", "tpr"]
    assert len(curves) == 2 * 2 * 3
    assert curves.iloc[1].tolist() == ["iternet", "patched", 0, 0.1, 0.9]


def test_image_scores_keep_leading_zeros(scores_folder):
    assert read_image_scores(scores_folder, BOTH, 0, "patched")["unet"]["id"].unique().tolist() == [
        "01",
        "02",
    ]


def test_the_training_log_has_the_last_output_of_each_network(models_folder):
    log = read_training(models_folder, BOTH, [0])
    assert [*log] == ["model", "seed", "step", "loss", "last_output", "learning_rate"]
    assert log["last_output"].round(6).tolist() == [0.3, 0.1, 0.4, 0.2]
    assert log["model"].tolist() == ["iternet", "iternet", "unet", "unet"]
