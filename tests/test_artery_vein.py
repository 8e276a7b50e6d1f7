"""Arteries and veins by ``vesselbench segment`` and ``vesselbench score``: files, colours, scores, bad input."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from test_score import save
from test_segment import fundus, make_model
from vesselbench.cli import main
from vesselbench.data.fov import estimate
from vesselbench.data.images import read_kinds
from vesselbench.data.maps import read_map
from vesselbench.data.sample import Sample, write_samples
from vesselbench.data.task import TASKS
from vesselbench.segment import load, segment, segment_kinds

PALETTE = np.array([(0, 0, 0), (255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 255)], np.uint8)  # by class
POOLED, MEAN = "frame-pooled-native-fixed", "frame-mean-native-fixed"


def run(*words, code=0):
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize("task", ["artery_vein", "artery_vein_softmax", "artery_vein_released"])
def test_a_photograph_becomes_two_maps_and_a_picture_whatever_the_network_tells(tmp_path, monkeypatch, task):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(4)
    make_model("drive-kinds-0", "wnet", task=task, diameter=128.0)
    eye = fundus((144, 144))
    save("eye.png", eye)
    network, about = load("drive-kinds-0")
    with torch.inference_mode():
        logits = network(torch.from_numpy(eye).permute(2, 0, 1)[None] / 255)[-1][0]
    channels = (logits.softmax(0) if task == "artery_vein_softmax" else logits.sigmoid()).numpy()
    own = dict(zip(TASKS[task].channels, channels, strict=True))
    expected = {kind: np.minimum(own[kind] + own.get("crossing", 0), 1) for kind in ("artery", "vein")}
    vessel = 1 - own["background"] if "background" in own else np.maximum(*expected.values())
    for kind, found in segment_kinds(network, about, eye).items():
        assert np.abs(found - (expected | {"vessel": vessel})[kind]).max() < 5e-5
    assert np.array_equal(segment(network, about, eye), segment_kinds(network, about, eye)["vessel"])
    said, fov = run("segment", "eye.png", "--weights", "drive-kinds-0", "--binary"), estimate(eye)
    levels = {kind: read_map(f"vessels/eye_{kind}.png") for kind in expected}
    found = {kind: own >= 32768 for kind, own in levels.items()}
    for kind, own in levels.items():
        assert np.abs(own / 65535 - expected[kind] * fov).max() < 5e-5
        assert np.array_equal(np.array(Image.open(f"vessels/eye_{kind}_binary.png")), 255 * found[kind])
    names = [f"vessels/eye_{name}.png" for name in ("artery", "vein", "kinds")]
    assert said.startswith(f"{', '.join(names)}: 144 x 144, scale 1, ")
    shares = [f"{kind} in {100 * own[fov].mean():.1f} %" for kind, own in found.items()]
    assert said.endswith(f" s, {' and '.join(shares)} of the field of view\n")
    classes = found["artery"] + 2 * found["vein"]
    assert len(np.unique(classes)) > 2
    assert np.array_equal(np.array(Image.open(names[2])), np.where(classes[..., None] > 0, PALETTE[classes], eye))
    run("segment", "eye.png", "--weights", "drive-kinds-0", "--whole-frame", "--out", "all")
    assert np.abs(read_map("all/eye_artery.png") / 65535 - expected["artery"]).max() < 5e-5


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Two images, 40 x 32: 160 pixels of artery, 160 of vein, 8 of crossing, 40 uncertain; and the map of both.

    Half of the artery is called vein, half of the vein is missed, the crossing called artery, 8 uncertain so.
    """
    monkeypatch.chdir(tmp_path)
    truth, found = np.zeros((2, 40, 32), np.uint8)
    truth[:, 4:8], truth[:, 12:16], truth[:8, 20], truth[:, 24] = 1, 2, 3, 4
    found[:20, 4:8], found[20:, 4:8], found[:20, 12:16], found[:8, 20] = 1, 2, 2, 1
    found[:8, 24] = 4
    for name in ("01", "02"):
        save(f"truth/{name}_test.png", PALETTE[truth])
        save(f"maps/{name}_own.png", PALETTE[found])
    return found


def score(*words, maps="maps", code=0):
    given = ["--task", "artery_vein", "--predictions", maps, "--truth", "truth", "--draws", "100"]
    return run("score", *given, *words, code=code)


def scores():
    """Give of each thing scored the values under the two headline protocols of the frame."""
    written, values = json.loads(Path("scores.json").read_text()), {}
    for name in ("artery", "vein", "vessel", "kinds"):
        own = written[name]["scores"]
        values[name] = {score: of["value"] for protocol in (MEAN, POOLED) for score, of in own[protocol].items()}
    return values


def test_a_map_in_colours_is_scored_as_by_hand(found):
    printed, own = score(), scores()
    kinds = {"found_sensitivity": 0.5, "found_specificity": 1, "found_share": 0.75, "ties": 0.25, "all_accuracy": 0.75}
    assert {name: own["kinds"][name] for name in kinds} == kinds
    assert own["kinds"]["weighted_sensitivity"] == pytest.approx((80 + 80 + 8) / 368)
    assert own["artery"]["sensitivity"] == pytest.approx(88 / 168), "uncertain pixels are left out"
    assert own["artery"]["specificity"] == 1
    assert own["vein"]["specificity"] == pytest.approx(1 - 80 / (1280 - 168 - 40))
    assert own["vessel"]["sensitivity"] == pytest.approx(256 / 368)
    cells = [line.split("|")[1:-1] for line in printed.splitlines() if line.startswith("| Sensitivity ")]
    shown = [[cell.split()[0] for cell in row] for row in cells]
    assert shown[0] == ["Sensitivity", ".5238", ".4762", ".6957"], "artery, vein, vessel"
    assert shown[3][:2] == ["Sensitivity", ".4565"], "weighted"
    assert Path("scores_kinds_confusion.csv").read_text().splitlines()[2] == "artery,0,160,160,0"
    assert score("--all").count("| frame-mean-square-fixed ") == 3


def test_two_maps_an_image_and_other_colours_have_the_same_scores(found):
    score()
    expected = scores()
    for name in ("01", "02"):
        save(f"two/{name}_artery.png", np.where(np.isin(found, (1, 3, 4)), np.uint8(255), np.uint8(0)))
        save(f"two/{name}_vein.png", np.where(np.isin(found, (2, 3, 4)), np.uint8(255), np.uint8(0)))
    save("two/01_kinds.png", PALETTE[found])
    printed = score("--compare", "maps", maps="two")
    assert "\nnote: 1 files are no maps of artery and vein, and passed over: 01_kinds.png\n" in printed
    assert scores() == expected
    compared = json.loads(Path("scores.json").read_text())["compared"]["scores"]
    assert [compared[name][of]["difference"] for name, of in (("artery", "f1"), ("kinds", "mixed_segments"))] == [0, 0]
    other = np.array([(255, 255, 0), (0, 255, 255), (128, 0, 0), (255, 255, 255), (0, 255, 0)], np.uint8)
    for path in [*Path("truth").iterdir(), *Path("maps").iterdir()]:
        save(path, other[read_kinds(path)])
    colours = "artery=cyan,vein=#800000,crossing=white,uncertain=green,background=yellow"
    score("--colours", colours)
    assert scores() == expected


def test_a_few_odd_pixels_are_taken_as_the_nearest_and_what_looks_exchanged_is_noted(found):
    score()
    before = scores()["kinds"]
    odd = PALETTE[found]
    odd[0, 4] = 250, 9, 0
    save("maps/01_own.png", odd)
    save("maps/02_own.png", PALETTE[[0, 2, 1, 3, 4]][found])
    printed = score()
    note = "maps/01_own.png: 1 of 1280 pixels have other colours (1 of 2 files): taken as the nearest"
    assert f"\nnote: {note}\n" in printed
    assert "exchanged" not in printed
    save("maps/01_own.png", PALETTE[[0, 2, 1, 3, 4]][found])
    assert "\nnote: arteries and veins exchanged? balanced accuracy .2500 on those found\n" in score()
    assert scores()["kinds"]["found_sensitivity"] == 1 - before["found_sensitivity"]


GREY, FEW = np.full((40, 32), 255, np.uint8), np.zeros((40, 32), np.uint8)


@pytest.mark.parametrize(("path", "pixels", "message"), [
    ("maps/01_own.png", GREY, "maps/01_own.png: no colour; kinds have colours, background #000000, artery #ff0000, "),
    ("truth/01_test.png", GREY, "truth/01_test.png: no colour; "),
    ("truth/01_test.png", PALETTE[FEW + 3], "truth/01_test.png: no artery; kinds have colours, "),
    ("maps/01_own.png", PALETTE[FEW] + np.uint8((9, 8, 7)), "maps/01_own.png: 1280 of 1280 pixels have other colours, "
     "1280 of them #090807; kinds have colours, "),
    ("maps/01_artery.png", np.tril(GREY), "maps/01_vein.png: no such file; "),
    ("maps/01_own.png", PALETTE[np.pad(FEW, 2) + 1], "maps/01_own.png: no vein; "),
    ("truth/01_test.png", PALETTE[np.arange(1408).reshape(44, 32) % 3], "maps/01_own.png: 40 x 32 (rows x"),
])  # fmt: skip
def test_bad_files(found, path, pixels, message):
    save(path, pixels)
    assert score(code=1).startswith(f"error: {message}")
    assert not Path("scores.json").exists()


@pytest.mark.parametrize("text", ["artery", "artery=red,artery=blue", "artery=blue", "kind=red", "vein=reddish"])
def test_bad_colours(found, text):
    said = score("--colours", text, code=1)
    assert said.startswith(f"error: --colours is '{text}'; it must be KIND=COLOUR,... of the kinds background, ")
    assert "give --task artery_vein" in run("score", "--predictions", "a", "--truth", "b", "--colours", text, code=2)


def test_a_data_set_with_labels_of_kinds_and_none_of_vessels(found):
    for name in ("params.yaml", "dvc.yaml"):
        Path(name).touch()
    raw, samples = Path("data/raw/drive_av").absolute(), []
    for name in ("01", "02"):
        for folder in ("artery_vein", "images"):
            save(raw / folder / f"{name}.png", np.array(Image.open(f"truth/{name}_test.png")))
        save(f"data/fov/drive_av/{name}.png", np.where(np.arange(40)[:, None] < 20, GREY, FEW))
        samples.append(Sample(name, name, "", raw / f"images/{name}.png", artery_vein=raw / f"artery_vein/{name}.png"))
    write_samples(samples, raw)
    words = ["score", "--predictions", "maps", "--dataset", "drive_av", "--draws", "100"]
    said = run(*words, code=1)
    assert said.endswith("labels: no such folder; drive_av has no labels for --task vessel; choose another\n")
    assert "| Weighted, mended" in run(*words, "--task", "artery_vein").replace("  ", "")
    kinds = json.loads(Path("scores.json").read_text())["kinds"]["scores"]["fov-pooled-native-fixed"]
    assert [kinds[name]["value"] for name in ("found_sensitivity", "found_share", "ties")] == [1, 1, 0], "of the half"
    assert run("data", "sheet", "drive_av") == "sheet.png\n"
    assert len(np.unique(np.array(Image.open("sheet.png").convert("RGB")).reshape(-1, 3), axis=0)) > 4
