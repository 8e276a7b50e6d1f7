"""Entries of params.yaml that are trained or predicted otherwise than the common recipe says."""

import json
from pathlib import Path

import pandas as pd
import pytest
from tiny_project import ROOT, contents, run_stage, write_params

from vesselbench.config import UserError, read_params
from vesselbench.data.levels import read_levels
from vesselbench.stages.predict import read_prediction
from vesselbench.stages.train import read_recipe

ONE = {"run": {"models": ["iternet", "iter_seg"], "modes": ["whole", "patched"]}}


def test_a_method_with_nothing_to_learn_goes_through_the_pipeline(project, capsys):
    write_params(project, ONE)
    run_stage(project, "network iter_seg")
    run_stage(project, "train phantom iter_seg 0")
    assert capsys.readouterr().out.splitlines()[-1] == "iter_seg has nothing to learn"
    for mode in ("whole", "patched"):
        for word in ("predict", "threshold", "evaluate"):
            run_stage(project, f"{word} phantom iter_seg 0 {mode} data")
    folder = project / "data/predictions/phantom/iter_seg/0"
    assert contents(folder / "patched" / "test") == contents(folder / "whole" / "test"), "it is never given patches"
    run_stage(project, "table phantom")
    table = json.loads(Path("metrics/tables/phantom.json").read_text())
    assert (list(table["iternet"]), list(table["iter_seg"])) == (["whole", "patched"], ["whole"])
    text = Path("metrics/tables/phantom.md").read_text()
    assert "Training: none, a classical method (Iter-Seg)." in text
    assert set(pd.read_csv("plots/training/phantom.csv")["model"]) == {"iternet"}


def test_an_own_recipe_lies_over_the_common_one(project):
    own = {"train": {"default": {"batch": 8}, "phantom": {"batch": 12}, "reduced": {"batch": 16}}}
    write_params(project, {"models": {"iternet": own}})
    assert read_recipe("phantom", "iternet").batch == 12
    assert read_recipe("drive", "iternet").batch == 8
    write_params(project, {"models": {"iternet": own}, "run": {"budget": "reduced"}})
    assert read_recipe("phantom", "iternet").batch == 16, "the budget goes last"


def test_a_data_set_may_have_a_budget_of_its_own(project):
    train = {"train": {"reduced": {"steps": 9, "patch": 32}, "phantom": {"reduced": {"steps": 3}}}}
    write_params(project, train, {"run": {"budget": "reduced"}})
    found = read_recipe("phantom", "iternet")
    assert (found.steps, found.patch) == (3, 32)
    assert read_recipe("drive", "iternet").steps == 9
    write_params(project, train)
    assert read_recipe("phantom", "iternet").steps == 4, "not where another is asked for"


def test_an_unknown_budget_is_refused(project):
    write_params(project, {"run": {"budget": "small"}})
    with pytest.raises(UserError, match="run.budget is 'small'; choose one of full, reduced, brief"):
        read_recipe("phantom", "iternet")


def test_the_data_set_has_the_last_word_on_prediction(project):
    own = {"predict": {"patched": {"patch": 80, "stride": 5}}}
    write_params(project, {"models": {"iternet": own}, "predict": {"phantom": {"patched": {"patch": 70}}}})
    found = read_prediction("phantom", "iternet", "patched")
    assert (found.patch, found.stride) == (70, 48)
    found = read_prediction("drive", "iternet", "patched")
    assert (found.patch, found.stride) == (80, 5)
    assert read_prediction("drive", "iternet", "whole").patch == 0


def test_an_earlier_output_is_predicted_apart(project):
    run_stage(project, "predict phantom iternet 0 output1 data/ablations")
    first, last = (
        read_levels(project / root / "predictions/phantom/iternet/0" / mode / "test/p04.png")
        for root, mode in (("data/ablations", "output1"), ("data", "whole"))
    )
    assert (first != last).any()
    with pytest.raises(UserError, match="predict: output is 3, but the network has 2"):
        run_stage(project, "predict phantom iternet 0 output3 data/ablations")


(MODELS,) = read_params("models", path=ROOT / "params.yaml")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("dataset", "budget"), [("drive", "full"), ("stare", "reduced"), ("phantom", "reduced"), ("phantom", "brief")]
)
def test_every_entry_has_a_recipe_for_every_budget(tmp_path, monkeypatch, model, dataset, budget):
    text = (ROOT / "params.yaml").read_text()
    assert "  budget: reduced " in text
    (tmp_path / "params.yaml").write_text(text.replace("  budget: reduced ", f"  budget: {budget} "))
    monkeypatch.chdir(tmp_path)
    recipe = read_recipe(dataset, model)
    own = model.endswith("_own") or model == "iter_seg"
    assert recipe.preprocess == ("" if own or dataset == "drive" else "flat" if dataset == "stare" else "dark")
    read_prediction(dataset, model, "patched")
