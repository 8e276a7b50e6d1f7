"""``vesselbench score`` on folders as people have them, and what it answers to bad input."""

import errno
import json
import tempfile
from pathlib import Path
from unittest.mock import Mock

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
    np.save(path, pixels) if Path(path).suffix == ".npy" else Image.fromarray(pixels).save(path)


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
    assert f"{HEADLINE}: pixels inside the field of view of all images pooled; truth and map at their" in printed
    assert "| AUC " in printed
    names = ["results.json", "results_images.csv", "results_connectivity.csv", "results_roc.csv", "results_roc.png"]
    assert printed.endswith(f"Written: {', '.join(names)}\n")
    assert all(Path(name).exists() for name in names)
    assert len(content("results.json")["scores"]) == 12, "two masks, two poolings, three sizes"
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
    frame = content()["scores"]["frame-pooled-native-fixed"]
    assert frame["auc"]["value"] == expected
    for name in IDS:
        Path(f"fov/{name}_mask.gif").unlink()
        save(f"fov/{name}_mask.png", np.ones(SHAPE, np.uint8))
    run()
    assert content()["scores"][HEADLINE] == frame, "a mask of ones is the whole frame"


def test_two_folders_are_compared(images):
    write_maps(images)
    write_maps(images, "npy", lambda p: 1 - p, folder="worse")
    odd = "worse/01_test.npy: inverted? AUC "
    assert refused("--compare", "worse").startswith(f"error: {odd}")
    printed, compared = run("--compare", "worse", "--accept-odd"), content()["compared"]
    assert f"\nnote: worse: {odd}" in printed
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
    assert refused("--compare", "worse", "--accept-odd") == f"error: --compare: {odd}"


def test_binary_maps_are_scored_without_auc_and_say_why(images):
    write_maps(images, "png", lambda p: np.where(p > 0.4, 255, 0).astype(np.uint8))
    printed, scores = run(), content()["scores"]
    reason = "the maps hold 0 and 1 only: one operating point, no curve"
    assert content()["withheld"] == {"auc": reason, "auc_pr": reason}
    assert {tuple(own["auc"].values()) for own in scores.values()} == {(None, None, None)}
    assert 0 < scores[HEADLINE]["f1"]["value"] < 1
    assert f"No auc: {reason}." in printed
    assert "training" not in content()["thresholds"]
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
])  # fmt: skip
def test_bad_files_are_named(images, path, pixels, message):
    write_maps(images)
    for other in Path(path).parent.glob(f"{Path(path).stem}.*"):
        other.unlink()
    save(path, pixels)
    assert refused().startswith(f"error: {path}: {message}")


@pytest.mark.parametrize(("words", "message"), [
    ("--protocol fov-pooled", "--protocol: protocol is 'fov-pooled'; it must be fov|frame-pooled|mean-"),
    ("--protocol fov-mean-native-training", "protocol fov-mean-native-training needs a threshold chosen on training"),
    ("--training-threshold 1.5", "--training-threshold is 1.5; it must be above 0 and at most 1"),
    ("--threshold 0", "--threshold is 0.0; it must be above 0 and at most 1"),
    ("--threshold nan", "--threshold is nan; it must be above 0 and at most 1"),
    ("--draws 10", "--draws is 10; it must be at least 100"),
    ("--out table.csv", "--out is table.csv; it must be a file that ends in .json: the others are named after it"),
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


def test_a_prepared_data_set_is_found_from_a_folder_below(images, monkeypatch):
    words = ["score", "--predictions", "maps", "--dataset", "drive", "--draws", "100"]
    truth, fov, probability = images["01"]
    for name in ("params.yaml", "dvc.yaml"):
        Path(name).touch()
    save("data/raw/drive/labels/01.png", eight_bit(truth))
    save("work/maps/01.png", eight_bit(probability))
    root = Path.cwd()
    monkeypatch.chdir("work")
    missing = f"error: {root}/data/fov/drive: no such folder; run 'dvc repro fov@drive' from the repository's root\n"
    assert CliRunner().invoke(main, words).output == missing
    save(f"{root}/data/fov/drive/01.png", eight_bit(fov))
    split = root / "data/splits/drive/drive.csv"
    split.parent.mkdir(parents=True)
    split.write_text("id,subset\n01,train\n02,test\n")
    printed = CliRunner().invoke(main, words).output
    assert f"note: 1 of these images train in {split}: 01\n" in printed
    assert content()["scores"][HEADLINE]["f1"]["value"] > 0.2
    split.write_text("")
    assert CliRunner().invoke(main, words).output.startswith(f"error: {split}: empty, cut short or ")


@pytest.mark.parametrize(("kind", "file", "fault"), [
    ("truth", "truth/{}_manual1.gif", "of its pixels are vessel; eyes have less vessel than background"),
    ("fov", "fov/{}_mask.gif", "dark in the middle and bright in the corners; a mask is white where pixels count"),
    ("maps", "maps/{}_test.png", " on its own image, below .5; vessels must be bright"),
])  # fmt: skip
@pytest.mark.parametrize("names", [["02"], ["02", "03"]])
def test_what_is_inverted_is_refused_or_noted_first(images, kind, file, fault, names):
    write_maps(images)
    for name in names:
        path = file.format(name)
        with Image.open(path) as image:
            save(path, 255 - np.array(image.convert("L")))
    said = refused()
    assert said.startswith(f"error: {file.format('02')}: inverted? ")
    fix = f"; {len(names)} such in all: invert, or score as they are by --accept-odd"
    assert said.endswith(f"{fault}{fix}")
    notes = run("--accept-odd").splitlines()[1 : 1 + len(names)]
    assert notes[0] == said.replace("error", "note").removesuffix(fix)
    assert [note.split(":")[1] for note in notes] == [f" {file.format(name)}" for name in names]


def test_a_single_image_has_no_interval_and_says_why(images):
    write_maps({"01": images["01"]})
    printed = run("--compare", "maps", "--threshold", "0.4")
    assert "\nInterval: none, of a single image: the bootstrap draws images, so that it needs several.\n" in printed
    own = content()["scores"][HEADLINE]["auc"]
    assert (own["value"] > 0.5, own["low"], own["high"]) == (True, None, None)
    assert [line.split("|")[3].strip() for line in printed.splitlines() if line.startswith("| AUC ")][0] == "-"
    assert content()["compared"]["scores"]["auc"]["low"] is None
    for name in ("roc", "connectivity"):
        table = pd.read_csv(f"scores_{name}.csv")
        assert table[["low", "high"]].isna().all(axis=None)
        assert len(table) > 20
    assert "nan" not in Path("scores.json").read_text().lower()


def test_a_place_that_cannot_be_written_is_said_before_any_map_is_read(images, monkeypatch):
    save("maps/01_test.png", EMPTY)  # refused, if it were read
    places = {"truth/01_manual1.gif/s.json": "Not a directory; choose another"}
    places["/proc/none/s.json"] = "/proc cannot be written: No such file or directory; choose another"
    for out, fault in places.items():
        said = refused("--out", out)
        assert said.startswith(f"error: --out is {out}, but /")
        assert said.endswith(fault)
    Path("results.json").mkdir()
    assert refused("--out", "results.json").startswith("error: --out is results.json; it must be a file that ends in .")
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(side_effect=full))
    assert refused("--out", "new/s.json").endswith("cannot be written: No space left on device; choose another")


def test_two_observers_in_one_folder_in_colour_and_notes_once(images):
    for name, (truth, _, probability) in images.items():
        save(f"own/Image_{name}L.npy", probability * 100)
        red = np.where(truth[..., None], (255, 0, 0), (255, 255, 255)).astype(np.uint8)
        save(f"owner/below/Image_{name}L_1stHO.png", red)
        save(f"owner/below/Image_{name}L_2ndHO.png", eight_bit(truth))
    words = ["score", "--predictions", "own", "--truth", "owner", "--draws", "100"]
    said = CliRunner().invoke(main, words).output
    assert said.endswith(r"; of two observers choose one by --truth-pattern, such as '(\d+[LR])_1stHO'" + "\n")
    chosen = ["--pattern", r"(\d+[LR])", "--truth-pattern", r"(\d+[LR])_1stHO"]
    printed = CliRunner().invoke(main, [*words, *chosen]).output.splitlines()
    assert printed[1].startswith("note: floating point with values up to ")
    taken = "colours: #ffffff is taken as background, #ff0000 as vessel"
    assert printed[2] == f"note: owner/below/Image_01L_1stHO.png (3 of 3 files): {taken}"
    truth, _, probability = map(np.ravel, zip(*images.values(), strict=True))
    expected = pytest.approx(roc_auc_score(truth, probability), abs=3e-6)
    assert content()["scores"]["frame-pooled-native-fixed"]["auc"]["value"] == expected
