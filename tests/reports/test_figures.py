"""Figures: what they hold, and that their bytes repeat. How they look was checked by eye."""

import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from vesselbench.reports.collect import read_results, read_roc, read_training
from vesselbench.reports.figures import roc_figure, training_figure
from vesselbench.reports.gallery import Example, gallery_figure, pick
from vesselbench.reports.pictures import errors, sheet
from vesselbench.reports.style import colours, display_name, save

BOTH = ["iternet", "unet"]
TEMPLATES = Path(__file__).parents[2] / ".dvc" / "plots"


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.fixture
def roc(scores_folder, second_observer):
    results = read_results(scores_folder, BOTH, [0, 1], ["patched"])
    curves = read_roc(scores_folder, BOTH, [0, 1], ["patched"])
    return lambda: roc_figure("drive", curves, results, second_observer)


def test_the_roc_has_one_legend_entry_a_model_and_mode(roc):
    figure = roc()
    expected = ["IterNet, patched (AUC 0.9000)", "UNet, patched (AUC 0.9000)", "Second observer"]
    assert legend(figure) == expected
    axes = figure.axes[0]
    assert len(axes.lines) == 4 + 1 + 1  # two models x two seeds, the observer, chance
    observer = next(line for line in axes.lines if line.get_label() == "Second observer")
    assert observer.get_xydata().round(6).tolist() == [[0.02, 0.7]]


def test_png_bytes_repeat_and_name_no_software(roc, tmp_path):
    for name in ("one.png", "two.png"):
        save(roc(), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert b"Software" not in (tmp_path / "one.png").read_bytes()


def test_the_training_figure_draws_the_last_output(models_folder):
    axes = training_figure("drive", read_training(models_folder, BOTH, [0])).axes[0]
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
    rows = [(i, mask, f1 if mask == "fov" else 1 - f1) for i, f1 in f1s.items() for mask in ("fov", "frame")]
    return pd.DataFrame(rows, columns=["id", "mask", "f1"])


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


@pytest.mark.parametrize("name", ["roc", "training"])
def test_templates_tell_models_by_colour_and_revisions_by_dash(name):
    template = json.loads((TEMPLATES / f"{name}.json").read_text())
    encoding = template["layer"][-1]["encoding"] if "layer" in template else template["encoding"]
    assert encoding["color"]["field"] == "model"
    assert encoding["strokeDash"]["field"] == "rev"
    assert '"seed"' in json.dumps(encoding["detail"])
    assert template["data"]["values"] == "<DVC_METRIC_DATA>"
