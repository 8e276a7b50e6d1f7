"""The ablations: answers by hand; the interval of a score of ours reaches .038 to either side."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from vesselbench.config import UserError
from vesselbench.reports.ablation_figures import (
    OutputMaps,
    median_image,
    output_title,
    outputs_figure,
    strides_figure,
    widest_gap,
)
from vesselbench.reports.ablation_tables import write_ablations
from vesselbench.reports.ablations import (
    Study,
    ablation_cells,
    ablation_pairs,
    prediction_seconds,
    stride_points,
)
from vesselbench.stages.ablations import read_study

MODES = ["whole", "patched"]
AUC = {"output1": 0.93, "output2": 0.95, "output3": 0.96, "whole": 0.97, "patched": 0.98, "stride8": 0.975}
BENCH = {  # 40 x 30 pixels, patches of 16: at stride 8 (24 / 8 + 1) x (14 / 8, up, + 1) = 4 x 3
    "settings": {
        "device": "Abacus",
        "slug": "cpu",
        "threads": 2,
        "image": [40, 30],
        "patch": 16,
        "network": {"name": "iternet"},
        "prediction": {"precision": "bf16-mixed"},
    },
    "prediction": {
        "product": {"patches_per_second": 8.0},
        "images": [
            {"stride": 3, "seconds": 20.0, "computed": True},
            {"stride": None, "seconds": 0.25, "computed": False},
        ],
    },
}


def way(mode):
    patched, stride = not mode.startswith(("whole", "output")), 8 if mode == "stride8" else 3
    return {
        "mode": "patched" if patched else "whole",
        "patch": 16 if patched else 0,
        "stride": stride if patched else 0,
        "training_stride": 32 if patched else 0,
        "output": int(mode[-1]) if mode.startswith("output") else 0,
        "hardware": {"precision": "bf16-mixed"},
        "recipe": {"steps": 124, "batch": 32, "patch": 128},
    }


def row(text, *words):
    """Cells of the first row of a table that begins with these words."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return next(cells for cells in rows if tuple(cells[: len(words)]) == words)


def part(text, heading):
    return text.split(f"## {heading}\n\n")[1].split("\n## ")[0]


@pytest.fixture
def study(new_run):
    runs = {"iternet": {mode: {0: new_run(0.8, auc=auc)} for mode, auc in AUC.items()}}
    runs["iternet_unshared"] = {mode: {0: new_run(0.7, auc=0.9)} for mode in MODES}
    runs["iternet_n2"] = {mode: {0: new_run(0.75, auc=0.96)} for mode in MODES}
    made = {(model, mode, 0): way(mode) for model, modes in runs.items() for mode in modes}
    networks = {model: {"parameters": 1000 * at, "arguments": {"iterations": 4}} for at, model in enumerate(runs, 1)}
    losses = {"iternet": 0.1, "iternet_n2": 0.12, "iternet_unshared": 0.05}
    return Study("drive", "iternet", runs, made, losses, networks)


@pytest.fixture
def text(tmp_path, study):
    return write_ablations(tmp_path, study, MODES, BENCH)


def test_networks_stand_in_the_papers_order(study):
    assert study.models == ["iternet_n2", "iternet", "iternet_unshared"]


def test_outputs_end_with_the_answer_predicted_alike(study):
    assert study.outputs() == {1: "output1", 2: "output2", 3: "output3", 4: "whole"}
    assert study.strides() == {3: "patched", 8: "stride8", 0: "whole"}


def test_without_earlier_outputs_there_is_no_table_of_them(tmp_path, study):
    for mode in ("output1", "output2", "output3"):
        del study.results["iternet"][mode]
    assert study.outputs() == {}
    assert "Outputs of one network" not in write_ablations(tmp_path, study, MODES, BENCH)


def test_claims_of_section_5_figure_3_and_table_1(study):
    found = [(c.claim.table, c.claim.model, c.mode, c.claimed, c.verdict) for c in ablation_cells(study)]
    assert found == [
        ("table 1", "iternet", "whole", 0.9813, "reproduced"),  # .97 + .038 is above
        ("table 1", "iternet", "patched", 0.9816, "reproduced"),
        ("figure 3", "iternet", "output1", 0.9793, "not reproduced"),  # .93 + .038 is below
        ("figure 3", "iternet", "output2", 0.9812, "reproduced"),
        ("figure 3", "iternet", "output3", 0.9815, "reproduced"),
        ("figure 3", "iternet", "whole", 0.9816, "reproduced"),
        ("section 5", "iternet_n2", "patched", 0.9795, "reproduced"),
        ("section 5", "iternet_no_skip", "", 0.9799, "not run"),
    ]


def test_differences_are_to_the_network_itself_the_last_output_and_the_smallest_stride(study):
    found = {(p.mode, p.first, p.second): p.found.difference for p in ablation_pairs(study, MODES) if p.score == "auc"}
    assert found == pytest.approx(
        {
            ("whole", "iternet_n2", "iternet"): -0.01,
            ("whole", "iternet_unshared", "iternet"): -0.07,
            ("patched", "iternet_n2", "iternet"): -0.02,
            ("patched", "iternet_unshared", "iternet"): -0.08,
            ("", "output1", "whole"): -0.04,
            ("", "output2", "whole"): -0.02,
            ("", "output3", "whole"): -0.01,
            ("", "stride8", "patched"): -0.005,
            ("", "whole", "patched"): -0.01,
        }
    )


def test_seconds_are_the_measured_ones_or_computed_from_patches():
    assert prediction_seconds(BENCH, "iternet", 3, 16) == (20.0, True)
    assert prediction_seconds(BENCH, "iternet", 0, 0) == (0.25, False)
    assert prediction_seconds(BENCH, "iternet", 8, 16) == (12 / 8, True)
    assert prediction_seconds(BENCH, "iternet", 8, 64)[0] != prediction_seconds(BENCH, "iternet", 8, 64)[0]  # NaN
    assert np.isnan(prediction_seconds(BENCH, "unet", 8, 16)[0])


def test_a_point_a_stride(study):
    points = stride_points(study, BENCH)
    assert [*points][:7] == ["mode", "stride", "seconds", "computed", "auc", "auc_low", "auc_high"]
    assert points["seconds"].tolist() == [20.0, 1.5, 0.25]
    assert points.iloc[1][["auc", "auc_low", "auc_high"]].tolist() == pytest.approx([0.975, 0.937, 1.013])


def test_the_design_has_size_loss_scores_and_claims(text):
    whole, patched = part(text, "Design, mode whole"), part(text, "Design, mode patched")
    assert row(patched, "IterNet, N = 2") == [
        *["IterNet, N = 2", "3,000", ".1200", "0.9600", "0.7500", "0.5000", "0.9795", "reproduced", ""]
    ]
    assert row(whole, "IterNet, N = 2")[6:] == ["-", "", ""]
    assert row(whole, "IterNet")[6:] == ["0.9813", "reproduced", "N = 4: the network itself"]
    assert row(whole, "95 % interval")[1:6] == ["", "", ".9220 to .9980", ".7120 to .7880", ".4620 to .5380"]
    assert row(whole, "IterNet, unshared weights")[-1].startswith('"serious overfitting"')


def test_outputs_and_strides(text):
    outputs, strides = part(text, "Outputs of one network"), part(text, "Strides")
    assert row(outputs, "1")[1:] == ["0.9300", "0.8000", "0.5000", "0.9793", "not reproduced"]
    assert row(outputs, "4")[4:] == ["0.9816", "reproduced"]
    assert row(strides, "3")[1:] == ["0.9800", "0.8000", "0.5000", "20 (computed)"]
    assert row(strides, "whole image")[4] == "0.25"
    assert "an image of 40 x 30 pixels" in strides
    assert "on Abacus, 2 threads" in strides


def test_budget_and_seeds_are_told(text):
    design = part(text, "Design")
    assert "**a reduced budget**: 1 % of the pixels" in design
    assert "does not refute" in design
    assert "One seed: the spread over seeds is unknown" in part(text, "Differences to IterNet")


def test_the_json_nests_numbers_and_lists_the_rest(text, tmp_path):
    content = json.loads((tmp_path / "ablations_drive.json").read_text())
    lists = ["claims", "comparisons", "strides", "budget"]
    assert [*content] == ["iternet_n2", "iternet", "iternet_unshared", "parameters", "training_loss", *lists]
    assert content["iternet"]["output1"] == {"auc": 0.93, "f1": 0.8, "connectivity": 0.5}
    assert content["parameters"]["iternet_n2"] == 3000
    assert content["training_loss"]["iternet_unshared"] == 0.05
    assert content["strides"][1]["mode"] == "stride8"
    assert len(content["claims"]) == 8


def test_an_untimed_stride_is_printed_but_not_drawn(tmp_path, study):
    bench = BENCH | {"settings": BENCH["settings"] | {"patch": 8}}
    text = write_ablations(tmp_path, study, MODES, bench)
    assert row(part(text, "Strides"), "8")[4] == "-"
    figure = strides_figure("drive", stride_points(study, bench), bench)
    assert [len(axes.texts) for axes in figure.axes] == [1, 1]


def test_the_strides_are_drawn_against_seconds(study):
    figure = strides_figure("drive", stride_points(study, BENCH), BENCH)
    assert isinstance(figure, Figure)
    assert [axes.get_ylabel() for axes in figure.axes] == ["AUC", "Connectivity"]
    assert [text.get_text() for text in figure.axes[0].texts] == [
        *["stride 3\n.9800", "stride 8\n.9750", "whole image\n.9700"]
    ]
    assert figure.axes[0].get_xscale() == "log"


def test_the_median_image_of_the_last_output(study):
    assert median_image(study) == ("02", pytest.approx(0.7))  # the lower of two
    assert output_title(study, 1) == "Output 1, AUC .9300"


def test_the_window_lies_where_first_and_last_output_differ_most():
    first, last = np.zeros((2, 8, 8), np.uint16)
    last[4, 5], last[0, 0] = 100, 900
    fov = np.ones((8, 8), bool)
    fov[0, 0] = False
    assert widest_gap(first, last, fov) == (slice(3, 5), slice(4, 6))  # the first of the four 2 x 2 that hold it
    assert widest_gap(last, first, fov) == (slice(3, 5), slice(4, 6))


def test_the_outputs_stand_beside_photograph_and_truth():
    maps = {f"Output {number}": np.full((8, 8), 257 * number, np.uint16) for number in (1, 2)}
    mask = np.ones((8, 8), bool)
    figure = outputs_figure("drive", OutputMaps("image 01", np.zeros((8, 8, 3), np.uint8), mask, mask, maps))
    assert [axes.get_title() for axes in figure.axes] == ["Photograph", "Truth", "Output 1", "Output 2"]
    shades = [np.unique(axes.images[0].get_array()).tolist() for axes in figure.axes]
    assert shades == [[0], [255], [1], [2]]
    assert "image 01, rows 0 to 1, columns 0 to 1" in figure.get_suptitle()


@pytest.fixture
def laid_out(tmp_path, monkeypatch, study):
    """The files of the study below the current folder; call to read them."""
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    (data / "networks").mkdir(parents=True)
    log = {"step": [5, 10], "loss": [1.0, 0.9], "learning_rate": 0.001, "loss_1": 0.7, "loss_2": [0.3, 0.2]}
    for (model, mode, seed), how in study.made.items():
        scores, maps = (
            data / "ablations" / of / "drive" / model / str(seed) / mode for of in ("scores", "predictions")
        )
        scores.mkdir(parents=True)
        maps.mkdir(parents=True)
        run = study.results[model][mode][seed]
        (scores / "scores.json").write_text(json.dumps(run.scores))
        np.savez(scores / "draws.npz", **run.draws)
        run.images.to_csv(scores / "images.csv", index=False)
        (maps / "prediction.json").write_text(json.dumps(how))
        pd.DataFrame(log).to_csv(maps / "training.csv", index=False)
        (data / "networks" / f"{model}.json").write_text(json.dumps(study.networks[model]))
    variants = {"models": ["iternet"], "modes": [*AUC]}
    return lambda: read_study("drive", ["iternet_n2", "iternet_unshared"], variants, [0], MODES)


def test_a_study_is_read_from_what_the_stages_left(laid_out, study):
    found = laid_out()
    assert {model: [*modes] for model, modes in found.results.items()} == {
        "iternet": [*AUC],
        "iternet_n2": MODES,
        "iternet_unshared": MODES,
    }
    assert found.made == study.made
    assert found.networks == study.networks
    assert found.losses == dict.fromkeys(found.results, 0.2)  # the last output's, at the end
    assert ablation_pairs(found, MODES) == ablation_pairs(study, MODES)


@pytest.mark.parametrize(
    ("model", "mode", "maker"),
    [
        ("iternet_n2", "whole", "ablation_evaluate@drive-iternet_n2-0-whole"),
        ("iternet", "stride8", "variant_evaluate@drive-iternet-0-stride8"),
    ],
)
def test_a_missing_run_names_the_stage_that_makes_it(laid_out, tmp_path, model, mode, maker):
    (tmp_path / "data/ablations/scores/drive" / model / "0" / mode / "scores.json").unlink()
    with pytest.raises(UserError, match=f"run 'dvc repro {maker}' first"):
        laid_out()


def test_runs_scored_otherwise_are_refused(laid_out, tmp_path):
    for mode in MODES:
        for model in ("iternet_n2", "iternet_unshared"):
            path = tmp_path / "data/ablations/scores/drive" / model / "0" / mode / "scores.json"
            path.write_text(path.read_text().replace('"draws": 101', '"draws": 99'))
    with pytest.raises(UserError, match="differ between iternet and the networks held against it"):
        laid_out()
