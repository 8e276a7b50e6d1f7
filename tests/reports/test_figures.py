"""Figures: what they hold, and that their bytes repeat. How they look was checked by eye."""

import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from vesselbench.reports.collect import Run
from vesselbench.reports.figures import connectivity_figure, pr_figure, roc_figure, training_figure
from vesselbench.reports.gallery import Example, gallery_figure, pick
from vesselbench.reports.pictures import errors, sheet
from vesselbench.reports.points import calibration_error, calibration_figure, images_figure
from vesselbench.reports.style import colours, display_name, save

MODELS, MODES, SEEDS = ("iternet", "unet"), ("whole", "patched"), (0, 1)
TEMPLATES = Path(__file__).parents[2] / ".dvc" / "plots"
HEADLINE = "fov-pooled-native-fixed"
ROC = [
    {"fpr": 0.0, "tpr": 0.0, "low": 0.0, "high": 0.0},
    {"fpr": 0.1, "tpr": 0.9, "low": 0.8, "high": 1.0},
    {"fpr": 1.0, "tpr": 1.0, "low": 1.0, "high": 1.0},
]
BINS = [  # gaps .1 and .2, a quarter and three quarters of the pixels
    {"bin_low": 0.0, "bin_high": 0.05, "pixels": 25, "probability": 0.0, "vessel": 0.1, "low": 0.0, "high": 0.2},
    {"bin_low": 0.8, "bin_high": 0.85, "pixels": 75, "probability": 0.8, "vessel": 0.6, "low": 0.5, "high": 0.7},
]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def joined(rows, models=MODELS):
    """The same rows for every run, as if read from their files."""
    runs = [{"model": model, "mode": mode, "seed": seed} for model in models for mode in MODES for seed in SEEDS]
    return pd.DataFrame([run | row for run in runs for row in rows])


def run(**values):
    """A run with these scores; each one's draws lie evenly within .02, 95 % of them within .019."""
    draws = {f"{HEADLINE}/{name}": value + np.linspace(-0.02, 0.02, 101) for name, value in values.items()}
    return Run(
        {"scores": {HEADLINE: {name: {"value": value} for name, value in values.items()}}}, draws, pd.DataFrame()
    )


@pytest.fixture
def results():
    """Every score of iternet is .96 and .98 by seed, of unet .90; unet's patched maps are binary: no AUC."""
    scores = {"iternet": (0.96, 0.98), "unet": (0.9, 0.9)}
    found = {
        model: {
            mode: {seed: run(auc=values[seed], auc_pr=values[seed], connectivity=values[seed]) for seed in SEEDS}
            for mode in MODES
        }
        for model, values in scores.items()
    }
    found["unet"]["patched"] = {seed: run(connectivity=0.9) for seed in SEEDS}
    return found


@pytest.fixture
def roc(results):
    curves = joined(ROC)
    curves = curves[(curves["model"] != "unet") | (curves["mode"] != "patched")]
    observer = run(sensitivity=0.7, specificity=0.98, precision=0.8)
    return lambda: roc_figure("drive", curves, results, observer)


def test_the_roc_has_a_panel_a_mode_and_a_line_a_seed(roc):
    whole, patched = roc().axes
    assert [axes.get_title() for axes in (whole, patched)] == ["Whole image", "Patches"]
    assert legend(whole) == ["IterNet .9700 [.951, .989]", "UNet .9000 [.881, .919]", "Second observer"]
    assert legend(patched) == ["IterNet .9700 [.951, .989]", "Second observer"]  # binary maps have no curve
    for axes, models in ((whole, 2), (patched, 1)):
        assert len(axes.lines) == 2 * models + 1 + 1  # seeds, the observer, chance
        assert len(axes.collections) == models  # bands
        observer = next(line for line in axes.lines if line.get_label() == "Second observer")
        assert observer.get_xydata().round(6).tolist() == [[0.02, 0.7]]
        assert len(axes.child_axes[0].lines) == 2 * models + 1


def test_a_band_is_the_first_seeds(roc):
    band = roc().axes[0].collections[0].get_paths()[0].get_extents()
    assert band.get_points().round(6).tolist() == [[0, 0], [1, 1]]


def test_binary_maps_alone_leave_the_panels_empty(results, tmp_path):
    figures = (
        roc_figure("drive", joined(ROC).iloc[:0], results, None),
        calibration_figure("drive", joined(BINS).iloc[:0], results),
    )
    for figure in figures:
        save(figure, tmp_path / "empty.png", dpi=20)
        assert [axes.get_legend() for axes in figure.axes] == [None] * len(figure.axes)


def test_precision_against_recall(results):
    rows = [{"recall": 0.0, "precision": 1.0, "low": 1.0, "high": 1.0}]
    rows += [{"recall": 1.0, "precision": 0.1, "low": 0.0, "high": 0.2}]
    observer = run(sensitivity=0.7, specificity=0.98, precision=0.8)
    axes = pr_figure("drive", joined(rows), results, observer).axes[0]
    assert legend(axes) == ["IterNet .9700 [.951, .989]", "UNet .9000 [.881, .919]", "Second observer"]
    assert axes.get_legend().get_title().get_text() == "Average precision [95 % interval]"
    assert len(axes.lines) == 2 * 2 + 1  # no chance
    assert axes.lines[0].get_xydata().tolist() == [[0, 1], [1, 0.1]]
    assert axes.lines[-1].get_xydata().tolist() == [[0.7, 0.8]]


def test_connectivity_against_the_threshold(results):
    rows = [{"theta": theta, "connectivity": 0.5, "low": 0.4, "high": 0.6} for theta in (0.0, 1.0)]
    figure = connectivity_figure("drive", joined(rows), results)
    whole, patched = figure.axes
    expected = ["IterNet .9700 [.951, .989]", "UNet .9000 [.881, .919]"]
    assert legend(whole) == legend(patched) == expected
    assert len(whole.lines) == 4
    assert figure.get_suptitle().startswith("DRIVE: connectivity, mean of the test images\n")


def test_the_key_leaves_out_what_is_unknown(results):
    for seed in SEEDS:
        results["iternet"]["whole"][seed].draws[f"{HEADLINE}/auc"][0] = np.nan
        del results["unet"]["whole"][seed].scores["scores"][HEADLINE]["auc"]
    assert legend(roc_figure("drive", joined(ROC), results, None).axes[0]) == ["IterNet .9700", "UNet"]


def test_images_are_joined_and_the_worst_and_best_named():
    rows = [{"id": "01", "f1": 0.5, "connectivity": 0.9}, {"id": "02", "f1": 0.7, "connectivity": float("nan")}]
    f1_whole, f1_patched, connectivity, _ = images_figure("drive", joined(rows)).axes
    assert [f1_whole.get_title(), f1_patched.get_title()] == ["Whole image", "Patches"]
    assert [axes.get_ylabel() for axes in (f1_whole, connectivity)] == ["F1", "Connectivity"]
    assert [text.get_text() for text in f1_whole.texts] == ["01", "02"] * 2
    joins, dots = f1_whole.lines[:2], f1_whole.lines[2:]
    assert [line.get_ydata().round(6).tolist() for line in joins] == [[0.5, 0.5], [0.7, 0.7]]
    assert [line.get_xydata().round(6).tolist() for line in dots] == [[[0, 0.5], [0, 0.7]], [[1, 0.5], [1, 0.7]]]
    assert [bar.get_segments()[0][0, 1].round(6) for bar in f1_whole.collections] == [0.6, 0.6]
    assert [text.get_text() for text in connectivity.texts] == ["01", "01"]  # the undefined one is left out


def test_images_of_several_seeds_are_averaged():
    images = joined([{"id": "01", "f1": 0.5, "connectivity": 0.9}], models=["unet"])
    images.loc[images["seed"] == 1, "f1"] = 0.7
    assert images_figure("drive", images).axes[0].lines[-1].get_xydata().round(6).tolist() == [[0, 0.6]]


def test_the_calibration_error_weighs_bins_by_their_pixels():
    assert calibration_error(pd.DataFrame(BINS)) == pytest.approx(0.25 * 0.1 + 0.75 * 0.2)


def test_the_calibration_figure_shows_the_pixels_of_each_bin(results):
    figure = calibration_figure("drive", joined(BINS), results)
    above, _, below, _ = figure.axes
    assert legend(below) == ["IterNet .1750", "UNet .1750"]
    assert len(above.lines) == 4 + 1  # two models x two seeds, the diagonal
    assert above.lines[1].get_xydata().tolist() == [[0, 0.1], [0.8, 0.6]]
    assert below.get_yscale() == "log"
    assert [bar.tolist() for bar in below.collections[0].get_segments()] == [
        [[0, 25], [0.05, 25]],
        [[0.8, 75], [0.85, 75]],
    ]


def test_png_bytes_repeat_and_name_no_software(roc, tmp_path):
    for name in ("one.png", "two.png"):
        save(roc(), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert b"Software" not in (tmp_path / "one.png").read_bytes()


def test_the_training_figure_draws_the_last_output():
    columns = ["model", "seed", "step", "loss", "last_output"]
    rows = [("iternet", 0, 10, 0.7, 0.3), ("iternet", 0, 20, 0.5, 0.1), ("unet", 0, 10, 0.4, 0.4)]
    axes = training_figure("drive", pd.DataFrame(rows, columns=columns)).axes[0]
    assert axes.get_yscale() == "log"
    assert [line.get_label() for line in axes.lines] == ["IterNet", "UNet"]
    assert axes.lines[0].get_xydata().round(6).tolist() == [[10, 0.3], [20, 0.1]]


def test_errors_are_coloured_by_kind():
    truth = np.array([[1, 0, 1, 0, 1]], bool)
    found = np.array([[1, 1, 0, 0, 1]], bool)
    fov = np.array([[1, 1, 1, 1, 0]], bool)
    expected = [[0x33] * 3, [0xE6, 0x9F, 0x00], [0x00, 0x72, 0xB2], [255] * 3, [0xEE] * 3]
    assert errors(truth, found, fov)[0].tolist() == expected


def images(**f1s):
    return pd.DataFrame(list(f1s.items()), columns=["id", "f1"])


def test_images_are_picked_by_their_mean_f1():
    tables = {"iternet": images(a=0.8, b=0.5, c=0.9, d=0.6), "unet": images(a=0.8, b=0.7, c=0.5, d=0.6)}
    # means: a .8, b .6, c .7, d .6; b goes before d
    assert pick(tables) == {"b": "b: worst, F1 0.600", "d": "d: median, F1 0.600", "a": "a: best, F1 0.800"}


def test_fewer_images_than_places():
    assert pick({"unet": images(a=0.8)}) == {"a": "a: best, F1 0.800"}
    assert [*pick({"unet": images(a=0.8, b=0.7)})] == ["b", "a"]


def test_the_gallery_enlarges_where_the_errors_are():
    truth = np.zeros((30, 60), bool)
    found = truth.copy()
    found[20:30, 40:60] = True  # one window of a third each way, full of errors
    image = np.zeros((30, 60, 3), np.uint8)
    example = Example("a: best", image, truth, np.ones_like(truth), {"iternet": found, "unet": truth})
    figure = gallery_figure("drive", [example])
    assert [axes.get_title() for axes in figure.axes[:4]] == ["Photograph", "Truth", "IterNet", "UNet"]
    enlarged = figure.axes[6].images[0].get_array()
    assert enlarged.shape == (10, 20, 3)
    assert (enlarged == [0xE6, 0x9F, 0x00]).all()
    outline = figure.axes[0].patches[0]
    assert (outline.get_xy(), outline.get_width(), outline.get_height()) == ((39.5, 19.5), 20, 10)


def test_the_contact_sheet_has_a_column_an_image(tmp_path):
    pictures, truths = [np.zeros((8, 9, 3), np.uint8)] * 3, [np.eye(8, 9, dtype=np.uint8)] * 3
    figure = sheet(pictures, truths, ["a", "b", "c"])
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", "", "", ""]
    save(figure, tmp_path / "sheet.png", dpi=50)
    assert matplotlib.image.imread(tmp_path / "sheet.png").shape[:2] == (205, 285)


def test_a_model_keeps_its_colour_whatever_stands_beside_it():
    assert colours(["unet", "mine", "iternet"])["iternet"] == colours(["iternet"])["iternet"]
    assert len(set(colours(["iternet", "unet", "denseblock_unet", "a", "b", "c"]).values())) == 6


def test_keys_without_a_name_stand_for_themselves():
    assert [display_name(key) for key in ("denseblock_unet", "my_net")] == ["DenseBlock-UNet", "my_net"]


CURVES = ("roc", "pr", "connectivity", "calibration", "training")


def encoding(template):
    return template["layer"][-1]["encoding"] if "layer" in template else template["encoding"]


@pytest.mark.parametrize("name", CURVES)
def test_templates_tell_models_by_colour_and_revisions_by_dash(name):
    template = json.loads((TEMPLATES / f"{name}.json").read_text())
    channels = encoding(template)
    assert channels["color"]["field"] == "model"
    assert channels["strokeDash"]["field"] == "rev"
    assert '"seed"' in json.dumps(channels["detail"])
    assert template["data"]["values"] == "<DVC_METRIC_DATA>"


def test_the_template_of_images_has_a_point_an_image_and_tells_revisions_by_colour():
    template = json.loads((TEMPLATES / "images.json").read_text())
    channels = encoding(template)
    assert template["mark"]["type"] == "point"
    assert channels["color"]["field"] == channels["xOffset"]["field"] == "rev"
    assert channels["column"]["field"] == "mode"
    assert template["data"]["values"] == "<DVC_METRIC_DATA>"


def test_every_template_is_looked_at():
    assert sorted(path.stem for path in TEMPLATES.glob("*.json")) == sorted([*CURVES, "images"])
