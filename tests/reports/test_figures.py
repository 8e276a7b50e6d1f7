"""Figures: what they hold, and that their bytes repeat. How they look was checked by eye."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.curves import CURVES, calibration_error, curve_figure, images_figure, training_figure
from vesselbench.reports.gallery import Example, errors, gallery_figure, heaviest_window, outputs_figure, pick
from vesselbench.reports.runs import at_protocol
from vesselbench.reports.style import colours, save

TEMPLATES = Path(__file__).parents[2] / ".dvc" / "plots"


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.fixture
def drawn(project):
    """Two labels, modes, seeds; scores of iternet are .96 and .98 by seed; unet's patched maps are binary: no AUC."""
    modes, areas = ["whole", "patched"], ("auc", "auc_pr", "connectivity")
    for seed, value in enumerate((0.96, 0.98)):
        project.add("iternet", seed=seed, modes=modes, **dict.fromkeys(areas, value))
        project.add("unet", seed=seed, modes=modes, **dict.fromkeys(areas, 0.9), patched={"binary": True})
    observer = project.observe(sensitivity=0.7, specificity=0.98, precision=0.8).observers()["drive"]
    results = project.results()

    def draw(name):
        return curve_figure(CURVES[name], "drive", results.curves(name), results.averages, observer.averages)

    return draw


def test_the_roc_has_a_panel_a_mode_a_line_a_seed_and_bytes_that_repeat(drawn, tmp_path):
    whole, patched = drawn("roc").axes
    assert legend(whole) == ["IterNet .9700 [.9320 to 1.0080]", "UNet .9000 [.8620 to .9380]", "Second observer"]
    assert legend(patched) == ["IterNet .9700 [.9320 to 1.0080]", "Second observer"]  # binary maps have no curve
    for axes, title, labels in ((whole, "Whole image", 2), (patched, "Patches", 1)):
        assert axes.get_title() == title
        assert len(axes.lines) == 2 * labels + 1 + 1  # seeds, the observer, chance
        assert len(axes.collections) == labels  # bands, of the first seeds
        observer = next(line for line in axes.lines if line.get_label() == "Second observer")
        assert observer.get_xydata().round(6).tolist() == [[0.02, 0.7]]
        assert len(axes.child_axes[0].lines) == 2 * labels + 1
    assert whole.collections[0].get_paths()[0].get_extents().get_points().round(6).tolist() == [[0, 0], [1, 1]]
    for name in ("one.png", "two.png"):
        save(drawn("roc"), tmp_path / name, dpi=50)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert b"Software" not in (tmp_path / "one.png").read_bytes()


def test_precision_against_recall_and_connectivity_against_the_threshold(drawn):
    axes = drawn("pr").axes[0]
    assert axes.get_legend().get_title().get_text() == "Average precision [95 % interval]"
    assert len(axes.lines) == 2 * 2 + 1  # no chance
    assert axes.lines[-1].get_xydata().tolist() == [[0.7, 0.8]]
    axes = drawn("connectivity").axes[1]
    assert legend(axes) == ["IterNet .9700 [.9320 to 1.0080]", "UNet .9000 [.8620 to .9380]"]
    assert axes.lines[0].get_xydata().tolist() == [[0, 0.2], [0.5, 0.8], [1, 0.5]]


def test_calibration_shows_the_pixels_of_each_bin(drawn):
    bins = pd.DataFrame({"pixels": [25, 75], "probability": [0.0, 0.8], "vessel": [0.1, 0.6]})
    assert calibration_error(bins) == pytest.approx(0.25 * 0.1 + 0.75 * 0.2)
    above, _, below, _ = drawn("calibration").axes
    assert legend(below) == ["IterNet .1750", "UNet .1750"]
    assert len(above.lines) == 4 + 1  # two labels x two seeds, the diagonal
    assert above.lines[0].get_xydata().tolist() == [[0, 0.1], [0.8, 0.6]]
    assert below.collections[0].get_segments()[1].tolist() == [[0.8, 75], [0.85, 75]]


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_without_runs_a_figure_says_so_and_without_curves_it_is_empty(project, tmp_path, curve):
    figure = curve_figure(curve, "drive", pd.DataFrame(), project.results().averages)
    assert figure.texts[0].get_text() == f"DRIVE: {curve.title}\nno run of this kind"
    results = project.add("unet", binary=True).results()
    figure = curve_figure(curve, "drive", results.curves("roc"), results.averages)
    save(figure, tmp_path / "empty.png", dpi=20)
    assert figure.axes[-1].get_legend() is None


def test_images_are_joined_averaged_over_seeds_and_the_worst_and_best_named(project):
    project.add("iternet", modes=["whole", "patched"], f1=0.7, images={"01": -0.2, "02": 0.0})
    project.add("unet", f1=0.5).add("unet", seed=1, f1=0.7)
    images = at_protocol(project.results().images, HEADLINE["fov"])
    _, f1_patched, *_ = images_figure("drive", images).axes
    assert [text.get_text() for text in f1_patched.texts] == ["01", "02", "02", "01"]
    joins, dots = f1_patched.lines[:2], f1_patched.lines[2:]
    assert [line.get_ydata().round(6).tolist() for line in joins] == [[0.5, 0.6], [0.7, 0.5]]
    assert dots[1].get_xydata().round(6).tolist() == [[1, 0.6], [1, 0.5]]
    assert [bar.get_segments()[0][0, 1].round(6) for bar in f1_patched.collections] == [0.6, 0.55]


def test_the_training_figure_draws_the_last_output_in_the_colours_of_the_others(project):
    project.add("iternet", modes=["whole", "patched"]).add("iter_seg", about={"recipe": {"steps": 0}}).add("unet")
    results = project.results()
    assert results.training()["label"].tolist() == ["iternet", "iternet", "unet", "unet"], "once a run"
    axes = training_figure("drive", results.training(), results.labels).axes[0]
    assert [line.get_label() for line in axes.lines] == ["IterNet", "UNet"]
    assert axes.lines[0].get_xydata().round(6).tolist() == [[10, 0.3], [20, 0.1]]
    assert axes.lines[1].get_xydata().round(6).tolist() == [[10, 0.4], [20, 0.2]], "of the only output"
    assert axes.lines[1].get_color() == colours(results.labels)["unet"]
    assert colours(["unet", "mine", "iternet"])["iternet"] == colours(["iternet"])["iternet"] == "#D55E00"


def test_images_are_picked_by_their_mean_f1_and_errors_coloured_by_kind():
    f1s = {"a": (0.8, 0.8), "b": (0.5, 0.7), "c": (0.9, 0.5), "d": (0.6, 0.6)}  # means: a .8, b .6, c .7, d .6
    images = pd.DataFrame([(name, f1) for name, both in f1s.items() for f1 in both], columns=["id", "f1"])
    # b goes before d
    assert pick(images) == {"b": "b: worst, F1 0.600", "d": "d: median, F1 0.600", "a": "a: best, F1 0.800"}
    assert pick(images[:2]) == {"a": "a: best, F1 0.800"}
    truth, found, fov = np.array([[[1, 0, 1, 0, 1]], [[1, 1, 0, 0, 1]], [[1, 1, 1, 1, 0]]], bool)
    expected = [[0x33] * 3, [0xE6, 0x9F, 0x00], [0x00, 0x72, 0xB2], [255] * 3, [0xEE] * 3]
    assert errors(truth, found, fov)[0].tolist() == expected


def test_the_gallery_enlarges_where_the_errors_are():
    truth = np.zeros((30, 60), bool)
    found = truth.copy()
    found[20:30, 40:60] = True  # one window of a third each way, full of errors
    maps = {"iternet": found, "unet": truth}
    figure = gallery_figure("drive", [Example("a", np.zeros((30, 60, 3), np.uint8), truth, np.ones_like(truth), maps)])
    assert [axes.get_title() for axes in figure.axes[:4]] == ["Photograph", "Truth", "IterNet", "UNet"]
    assert (figure.axes[6].images[0].get_array() == np.full((10, 20, 3), [0xE6, 0x9F, 0x00])).all()
    assert figure.axes[0].patches[0].get_bbox().bounds == (39.5, 19.5, 20, 10)


def test_the_outputs_stand_beside_photograph_and_truth_where_they_differ_most():
    first, last = np.zeros((2, 8, 8), np.uint16)
    last[4, 5], last[0, 0] = 100, 900
    fov = np.ones((8, 8), bool)
    fov[0, 0] = False
    assert heaviest_window(np.abs(first.astype(int) - last) * fov, 4) == (slice(3, 5), slice(4, 6))  # first of four
    example = Example("01", np.zeros((8, 8, 3), np.uint8), fov, fov, {"Output 1": first, "Output 2": last})
    figure = outputs_figure("drive", example)
    assert [axes.get_title() for axes in figure.axes] == ["Photograph", "Truth", "Output 1", "Output 2"]
    shades = [np.unique(axes.images[0].get_array()).tolist() for axes in figure.axes]
    assert shades == [[0], [65535], [0], [0, 100]]
    assert "image 01, rows 3 to 4, columns 4 to 5" in figure.get_suptitle()


@pytest.mark.parametrize("name", [*CURVES, "training", "images"])
def test_templates_of_dvc_tell_runs_and_revisions_apart(name):
    template = json.loads((TEMPLATES / f"{name}.json").read_text())
    channels = (template["layer"][-1] if "layer" in template else template)["encoding"]
    assert channels["color"]["field"] == ("rev" if name == "images" else "model")
    assert '"seed"' in json.dumps(channels["detail"])
    assert template["data"]["values"] == "<DVC_METRIC_DATA>"
