"""``vesselbench score`` on folders as people have them, and what it answers to bad input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image
from skimage.measure import label
from skimage.morphology import skeletonize
from sklearn.metrics import average_precision_score, roc_auc_score

from vesselbench.cli import main
from vesselbench.metrics.protocol import PROTOCOLS

SHAPE = (40, 32)
IDS = ["01", "02", "03"]
HEADLINE = "fov-pooled-native-fixed"
SIZES = "44 x 32 (rows x columns), but the truth truth/02_manual1.gif is 40 x 32; all of an image must be of one size"
RAMP = np.zeros((44, 32), np.uint8) + np.arange(32, dtype=np.uint8)
EMPTY, WHITE = np.zeros(SHAPE, np.uint8), np.full((44, 32), 255, np.uint8)


def save(path, pixels):
    Path(path).parent.mkdir(exist_ok=True, parents=True)
    np.save(path, pixels) if path.endswith(".npy") else Image.fromarray(pixels).save(path)


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Three images, ``truth/01_manual1.gif`` and ``fov/01_mask.gif``: id -> truth, fov, a probability of each pixel."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(3)
    fov, found = np.pad(np.ones((32, 27), bool), ((4, 4), (3, 2))), {}
    for name in IDS:
        truth = generator.random(SHAPE) < 0.2
        save(f"truth/{name}_manual1.gif", eight_bit(truth))
        save(f"fov/{name}_mask.gif", eight_bit(fov))
        found[name] = truth, fov, truth * 0.3 + generator.random(SHAPE) * 0.7
    return found


def eight_bit(probability):
    return np.rint(255 * probability).astype(np.uint8)


def write_maps(images, ending="png", convert=eight_bit, folder="maps"):
    for name, (_, _, probability) in images.items():
        save(f"{folder}/{name}_test.{ending}", convert(probability))


def run(*words, fov=True, code=0):
    given = ["--predictions", "maps", "--truth", "truth", *(["--fov", "fov"] if fov else []), "--draws", "100"]
    answer = CliRunner().invoke(main, ["score", *given, *words], catch_exceptions=False)
    assert answer.exit_code == code, answer.output
    return answer.output


def refused(*words, fov=True):
    before, said = sorted(Path().rglob("*")), run(*words, fov=fov, code=1)
    assert sorted(Path().rglob("*")) == before, "nothing is written"
    return said.removesuffix("\n")


def content(path="scores.json"):
    return json.loads(Path(path).read_text())


@pytest.mark.parametrize(("ending", "convert", "scale"), [
    ("png", eight_bit, 257),
    ("png", lambda p: np.rint(65535 * p).astype(np.uint16), 1),
    ("tif", lambda p: p.astype(np.float32), 65535),
    ("npy", lambda p: p**3, 65535),
])  # fmt: skip
def test_scores_equal_those_of_scikit_learn_and_of_labelling_at_every_level(images, ending, convert, scale):
    write_maps(images, ending, convert)
    run()
    truth, fov, probability = map(np.array, zip(*images.values(), strict=True))
    levels, expected = convert(probability).astype(float) * scale, []
    for own, map_ in zip(truth, levels, strict=True):
        wanted, most = label(own, connectivity=2).max(), 0.05 * skeletonize(own).sum()
        pieces = [label(map_ >= 257 * k, connectivity=2).max() for k in range(256)]
        expected.append([max(0, 1 - abs(found - wanted) / most) for found in pieces])
    found = pd.read_csv("scores_connectivity.csv")["connectivity"]
    assert found.to_numpy() == pytest.approx(np.mean(expected, axis=0), abs=1e-6)
    truth, levels = truth[fov], levels[fov]
    scores = {name: score["value"] for name, score in content()["scores"][HEADLINE].items()}
    assert scores["auc"] == pytest.approx(roc_auc_score(truth, levels), abs=1e-9)
    assert scores["auc_pr"] == pytest.approx(average_precision_score(truth, levels), abs=1e-9)
    assert scores["sensitivity"] == pytest.approx((levels / 65535 >= 0.5)[truth].mean())


def test_what_is_printed_and_written(images):
    write_maps(images)
    printed = run("--out", "results.json")
    assert printed.startswith("maps: 3 maps\nnote: truths matched by leading id, as 01_test.png with 01_manual1.gif\n")
    assert f"{HEADLINE}: pixels inside the field of view of all images pooled; truth at its native" in printed
    assert "| AUC " in printed
    names = ["results.json", "results_images.csv", "results_connectivity.csv", "results_roc.csv", "results_roc.png"]
    assert printed.endswith(f"Written: {', '.join(names)}\n")
    assert all(Path(name).exists() for name in names)
    assert len(content("results.json")["scores"]) == 8, "two masks, two poolings, two truths"
    rows = pd.read_csv("results_images.csv", dtype={"id": str})
    assert content("results.json")["images"] == [*rows["id"].unique()] == IDS
    printed = run("--all", "--training-threshold", "0.4")
    rows = {line.split("|")[1].strip() for line in printed.splitlines() if line.startswith(("| fov-", "| frame-"))}
    assert rows == set(map(str, PROTOCOLS))


def test_without_masks_the_whole_frame_alone_is_scored(images):
    write_maps(images)
    run(fov=False)
    masks = {name.split("-")[0] for name in content()["scores"]}
    assert masks | {*content()["pixels"], *pd.read_csv("scores_images.csv")["mask"]} == {"frame"}
    truth, _, probability = map(np.ravel, zip(*images.values(), strict=True))
    expected = pytest.approx(roc_auc_score(truth, eight_bit(probability)), abs=1e-9)
    assert content()["scores"]["frame-pooled-native-fixed"]["auc"]["value"] == expected


def test_two_folders_are_compared(images):
    write_maps(images)
    write_maps(images, "npy", lambda p: 1 - p, folder="worse")
    printed, compared = run("--compare", "worse"), content()["compared"]
    difference = compared["scores"]["auc"]["difference"]
    assert (compared["protocol"], difference > 0.3) == (HEADLINE, True)
    assert compared["scores"]["auc"]["supported"] is False, "three images decide nothing"
    assert "\nnote: worse: truths matched by leading id" in printed
    assert f"{difference:+.4f}".replace("+0.", "+.") in printed
    assert "| not supported" in run("--compare", "maps")
    nothing = dict.fromkeys(("difference", "low", "high"), 0) | {"p_value": None, "supported": False}
    assert content()["compared"]["scores"]["f1"] == nothing
    Path("worse/03_test.npy").unlink()
    odd = "maps of other images (03, in one folder only); both must hold the same ones"
    assert refused("--compare", "worse") == f"error: --compare: {odd}"


def test_binary_maps_are_scored_without_auc_and_say_why(images):
    write_maps(images, "png", lambda p: np.where(p > 0.4, 255, 0).astype(np.uint8))
    printed, scores = run(), content()["scores"]
    assert scores[HEADLINE]["auc"]["value"] is None
    assert 0 < scores[HEADLINE]["f1"]["value"] < 1
    assert f"No auc: {content()['withheld']['auc']}." in printed
    assert content()["withheld"]["auc"] == "the maps hold 0 and 1 only: one operating point, no curve"
    assert not Path("scores_roc.png").exists()
    write_maps(images, "npy", lambda p: (p > 0.4).astype(float), folder="floats")
    run("--predictions", "floats", "--out", "floats.json")
    assert content("floats.json")["scores"] == scores


@pytest.mark.parametrize(("path", "pixels", "message"), [  # the file takes the place of that of its stem
    ("maps/02_test.png", RAMP, SIZES),
    ("fov/02_mask.png", WHITE, SIZES),
    ("fov/02_mask.png", EMPTY, "the field of view is empty; a mask is white where pixels count"),
    ("truth/02_manual1.png", RAMP[:40], "32 grey values (0, 1, 2, 3, ...); a binary label has at most two, background"),
    ("maps/02_test.png", EMPTY + 7, "constant, every pixel is 7"),
    ("maps/02_test.npy", np.full(SHAPE, np.nan), "1280 of 1280 values are NaN"),
    ("maps/02_test.npy", np.linspace(-3, 4, 1280).reshape(SHAPE), "values from -3.0 to 4.0; probabilities lie in [0"),
])  # fmt: skip
def test_bad_files_are_named(images, path, pixels, message):
    write_maps(images)
    for other in Path(path).parent.glob(f"{Path(path).stem}.*"):
        other.unlink()
    save(path, pixels)
    assert refused().startswith(f"error: {path}: {message}")


@pytest.mark.parametrize(("words", "message"), [
    ("--protocol fov-pooled", "--protocol: protocol is 'fov-pooled'; it must be fov|frame-pooled|mean-"),
    ("--protocol eye-mean-native-fixed", "--protocol: mask is 'eye'; it must be one of fov, frame"),
    ("--protocol fov-mean-native-training", "protocol fov-mean-native-training needs a threshold chosen on training"),
    ("--training-threshold 1.5", "--training-threshold is 1.5; it must be above 0 and at most 1"),
    ("--threshold 0", "--threshold is 0.0; it must be above 0 and at most 1"),
    ("--threshold nan", "--threshold is nan; it must be above 0 and at most 1"),
    ("--draws 10", "--draws is 10; it must be at least 100"),
    ("--out table.csv", "--out is table.csv; it must end in .json: the other files are named after it"),
])  # fmt: skip
def test_bad_options(images, words, message):
    write_maps(images)
    assert refused(*words.split()).startswith(f"error: {message}")


def test_a_map_of_no_truth_and_no_masks_where_they_are_needed(images):
    write_maps(images)
    needs = "needs the field of view: give --fov, or --protocol frame-pooled-native-fixed"
    assert refused("--protocol", HEADLINE, fov=False) == f"error: protocol {HEADLINE} {needs}"
    save("maps/eye.png", RAMP)
    assert refused().startswith("error: maps: 1 of 4 predictions have no truth in truth: eye.png; ")


def test_a_prepared_data_set(images):
    save("maps/01.png", eight_bit(images["01"][2]))
    words, (truth, fov, _) = ["score", "--predictions", "maps", "--dataset", "drive", "--draws", "100"], images["01"]
    save("data/raw/drive/labels/01.png", eight_bit(truth))
    missing = "error: data/fov/drive: no such folder; run 'dvc repro fov@drive' from the repository's root\n"
    assert CliRunner().invoke(main, words).output == missing
    save("data/fov/drive/01.png", eight_bit(fov))
    Path("data/splits/drive").mkdir(parents=True)
    Path("data/splits/drive/drive.csv").write_text("id,subset\n01,train\n02,test\n")
    printed = CliRunner().invoke(main, words).output
    assert "note: 1 of these images train in data/splits/drive/drive.csv: 01\n" in printed
    assert content()["scores"][HEADLINE]["f1"]["value"] > 0.2
