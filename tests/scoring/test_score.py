"""``vesselbench score`` on folders as people have them, and what it answers to bad input."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.measure import label
from skimage.morphology import skeletonize
from sklearn.metrics import average_precision_score, roc_auc_score

from vesselbench import cli
from vesselbench.data.sample import write_samples
from vesselbench.data.sources.phantom.drawing import PhantomParameters, draw_dataset

SHAPE = (40, 32)
IDS = ("01", "02", "03")


def save(path, pixels):
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, pixels)
    else:
        Image.fromarray(pixels).save(path)


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Three images, ``truth/01_manual1.gif`` and ``fov/01_mask.gif``: id -> truth, fov, a probability of each pixel."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(3)
    found = {}
    for name in IDS:
        truth = generator.random(SHAPE) < 0.2
        fov = np.zeros(SHAPE, bool)
        fov[4:36, 3:30] = True
        save(Path("truth") / f"{name}_manual1.gif", np.where(truth, 255, 0).astype(np.uint8))
        save(Path("fov") / f"{name}_mask.gif", np.where(fov, 255, 0).astype(np.uint8))
        found[name] = truth, fov, np.clip(truth * 0.3 + generator.random(SHAPE) * 0.7, 0, 1)
    return found


def write_maps(images, ending, convert, folder="maps"):
    for name, (_, _, probability) in images.items():
        save(Path(folder) / f"{name}_test.{ending}", convert(probability))


def run(monkeypatch, capsys, *words, fov=True):
    given = ["--predictions", "maps", "--truth", "truth", *(["--fov", "fov"] if fov else []), "--draws", "100"]
    monkeypatch.setattr(sys, "argv", ["vesselbench", "score", *given, *words])
    cli.main()
    return capsys.readouterr().out


def refused(monkeypatch, capsys, *words, fov=True):
    before = sorted(Path().rglob("*"))
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, capsys, *words, fov=fov)
    assert sorted(Path().rglob("*")) == before, "nothing is written"
    return stop.value.code


def eight_bit(probability):
    return np.rint(255 * probability).astype(np.uint8)


KINDS = {
    "8 bits": ("png", eight_bit),
    "16 bits": ("png", lambda p: np.rint(65535 * p).astype(np.uint16)),
    "float TIFF": ("tif", lambda p: p.astype(np.float32)),
    "float NPY, heavy-tailed": ("npy", lambda p: p**12 * 1e-3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_scores_equal_those_of_scikit_learn_on_the_pixels(images, monkeypatch, capsys, kind):
    ending, convert = KINDS[kind]
    write_maps(images, ending, convert)
    run(monkeypatch, capsys)
    truth = np.concatenate([truth[fov] for truth, fov, _ in images.values()])
    values = np.concatenate([convert(probability)[fov] for _, fov, probability in images.values()])
    scores = json.loads(Path("scores.json").read_text())["scores"]["fov-pooled-native-fixed"]
    assert scores["auc"]["value"] == pytest.approx(roc_auc_score(truth, values), abs=1e-9)
    assert scores["auc_pr"]["value"] == pytest.approx(average_precision_score(truth, values), abs=1e-9)
    scale = {"u": 255 if ending == "png" and values.dtype == np.uint8 else 65535, "f": 1}[values.dtype.kind]
    assert scores["sensitivity"]["value"] == pytest.approx((values / scale >= 0.5)[truth].mean())


def test_connectivity_equals_labelling_at_every_level(images, monkeypatch, capsys):
    write_maps(images, "npy", lambda p: p)
    run(monkeypatch, capsys)
    curve = pd.read_csv("scores_connectivity.csv")
    expected = []
    for truth, _, probability in images.values():
        wanted, most = label(truth, connectivity=2).max(), 0.05 * skeletonize(truth).sum()
        pieces = [label(probability >= theta, connectivity=2).max() for theta in np.arange(256) / 255]
        expected.append([max(0, 1 - abs(found - wanted) / most) for found in pieces])
    assert curve["connectivity"].to_numpy() == pytest.approx(np.mean(expected, axis=0), abs=1e-6)


def test_what_is_printed_and_written(images, monkeypatch, capsys):
    write_maps(images, "png", eight_bit)
    printed = run(monkeypatch, capsys, "--out", "results.json")
    assert printed.startswith("maps: 3 maps\nnote: truths matched by leading id, as 01_test.png with 01_manual1.gif\n")
    assert (
        "fov-pooled-native-fixed: pixels inside the field of view of all images pooled; truth at its native" in printed
    )
    assert "| AUC " in printed
    names = ["results.json", "results_images.csv", "results_connectivity.csv", "results_roc.csv", "results_roc.png"]
    assert printed.endswith(f"Written: {', '.join(names)}\n")
    assert [name for name in names if not Path(name).exists()] == []
    content = json.loads(Path("results.json").read_text())
    assert content["images"] == [*IDS]
    assert len(content["scores"]) == 8, "two masks, two poolings, two truths"
    assert set(pd.read_csv("results_images.csv", dtype={"id": str})["id"]) == set(IDS)


def test_every_protocol_is_a_row(images, monkeypatch, capsys):
    write_maps(images, "png", eight_bit)
    printed = run(monkeypatch, capsys, "--all", "--training-threshold", "0.4")
    rows = [line.split("|")[1].strip() for line in printed.splitlines() if line.startswith(("| fov-", "| frame-"))]
    assert len(rows) == 16
    assert {"fov-pooled-native-training", "frame-mean-resized-fixed"} < set(rows)


def test_without_masks_the_whole_frame_alone_is_scored(images, monkeypatch, capsys):
    write_maps(images, "png", eight_bit)
    run(monkeypatch, capsys, fov=False)
    content = json.loads(Path("scores.json").read_text())
    assert {name.split("-")[0] for name in content["scores"]} == {"frame"}
    assert [*content["pixels"]] == ["frame"]
    assert set(pd.read_csv("scores_images.csv")["mask"]) == {"frame"}
    truth = np.concatenate([truth.ravel() for truth, _, _ in images.values()])
    values = np.concatenate([eight_bit(probability).ravel() for _, _, probability in images.values()])
    found = content["scores"]["frame-pooled-native-fixed"]["auc"]["value"]
    assert found == pytest.approx(roc_auc_score(truth, values), abs=1e-9)


def test_two_folders_are_compared(images, monkeypatch, capsys):
    write_maps(images, "png", eight_bit)
    write_maps(images, "npy", lambda p: 1 - p, folder="worse")
    printed = run(monkeypatch, capsys, "--compare", "worse")
    compared = json.loads(Path("scores.json").read_text())["compared"]
    assert compared["protocol"] == "fov-pooled-native-fixed"
    difference = compared["scores"]["auc"]["difference"]
    assert difference > 0.3
    assert compared["scores"]["auc"]["supported"] is False, "three images decide nothing"
    assert f"{difference:+.4f}".replace("+0.", "+.") in printed
    same = run(monkeypatch, capsys, "--compare", "maps")
    assert "supported" in same
    assert json.loads(Path("scores.json").read_text())["compared"]["scores"]["f1"]["difference"] == 0


def test_binary_maps_are_scored_without_auc_and_say_why(images, monkeypatch, capsys):
    write_maps(images, "png", lambda p: np.where(p > 0.4, 255, 0).astype(np.uint8))
    printed = run(monkeypatch, capsys)
    content = json.loads(Path("scores.json").read_text())
    scores = content["scores"]["fov-pooled-native-fixed"]
    assert scores["auc"]["value"] is None
    assert 0 < scores["f1"]["value"] < 1
    assert content["withheld"]["auc"] == "the maps hold 0 and 1 only: one operating point, no curve"
    assert "No auc: the maps hold 0 and 1 only: one operating point, no curve." in printed
    assert not Path("scores_roc.png").exists()
    write_maps(images, "npy", lambda p: (p > 0.4).astype(float), folder="floats")
    run(monkeypatch, capsys, "--predictions", "floats", "--out", "floats.json")
    assert json.loads(Path("floats.json").read_text())["scores"] == content["scores"]


def replaced(name, pixels):
    """Replace one file by another, of any format."""

    def act():
        for path in Path(name).parent.glob(f"{Path(name).stem}.*"):
            path.unlink()
        save(Path(name), pixels)

    return act


def grey_truth():
    with Image.open("truth/02_manual1.gif") as image:
        pixels = np.array(image.convert("L"))
    pixels[3, 3] = 128
    replaced("truth/02_manual1.png", pixels)()


SIZES = (
    "44 x 32 (rows x columns), but the truth truth/02_manual1.gif is 40 x 32; all of an image must be of one size, and "
    "the truth is never resized: bring the map to the size of the truth"
)
LARGER = np.zeros((44, 32), np.uint8) + np.arange(32, dtype=np.uint8)
BAD = {
    "size of a map": (
        replaced("maps/02_test.png", LARGER),
        f"maps/02_test.png: {SIZES}",
    ),
    "size of a mask": (
        replaced("fov/02_mask.png", np.full((44, 32), 255, np.uint8)),
        f"fov/02_mask.png: {SIZES}",
    ),
    "empty field of view": (
        replaced("fov/02_mask.png", np.zeros(SHAPE, np.uint8)),
        "fov/02_mask.png: the field of view is empty; a mask is white where pixels count",
    ),
    "grey truth": (
        grey_truth,
        "truth/02_manual1.png: 3 grey values (0, 128, 255, ...); a binary label has at most two, background and vessel",
    ),
    "constant": (replaced("maps/02_test.png", np.full(SHAPE, 7, np.uint8)), "maps/02_test.png: constant"),
    "NaN": (replaced("maps/02_test.npy", np.full(SHAPE, np.nan)), "maps/02_test.npy: 1280 of 1280 values are NaN"),
    "logits": (
        replaced("maps/02_test.npy", np.linspace(-3, 4, 1280).reshape(SHAPE)),
        "maps/02_test.npy: values from -3.0 to 4.0; probabilities lie in [0, 1]",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_files_are_named(images, monkeypatch, capsys, fault):
    spoil, message = BAD[fault]
    write_maps(images, "png", eight_bit)
    spoil()
    assert refused(monkeypatch, capsys).startswith(f"error: {message}")


def test_files_that_do_not_match(images, monkeypatch, capsys):
    for at, (_, _, probability) in enumerate(images.values()):
        save(Path("maps") / f"eye{'abc'[at]}.png", eight_bit(probability))
    line = refused(monkeypatch, capsys)
    assert line.startswith("error: no truth in truth (01_manual1.gif, 02_manual1.gif, 03_manual1.gif) matches a map")
    assert "--pattern" in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--protocol", "fov-pooled"], "score: protocol is 'fov-pooled'; it must be fov|frame-pooled|mean-"),
        (["--protocol", "eye-mean-native-fixed"], "score: mask is 'eye'; it must be one of fov, frame"),
        (["--protocol", "fov-mean-native-training"], "protocol fov-mean-native-training needs a threshold chosen on"),
        (["--training-threshold", "1.5"], "--training-threshold is 1.5; it must be above 0 and at most 1"),
        (["--threshold", "0"], "score: threshold is 0.0; it must be above 0 and at most 1"),
        (["--draws", "10"], "score: draws is 10; it must be at least 100"),
        (["--out", "table.csv"], "--out is table.csv; it must end in .json: the other files are named after it"),
    ],
)
def test_bad_options(images, monkeypatch, capsys, words, message):
    write_maps(images, "png", eight_bit)
    assert refused(monkeypatch, capsys, *words).startswith(f"error: {message}")


def test_a_protocol_inside_a_field_of_view_that_is_not_given(images, monkeypatch, capsys):
    write_maps(images, "png", eight_bit)
    line = refused(monkeypatch, capsys, "--protocol", "fov-mean-native-fixed", fov=False)
    assert line == (
        "error: protocol fov-mean-native-fixed needs the field of view: give --fov, or --protocol "
        "frame-pooled-native-fixed"
    )


def test_a_prepared_data_set(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    raw = Path("data/raw/phantom")
    write_samples(draw_dataset(PhantomParameters(size=128, train=1, test=1), raw), raw)
    words = [
        "vesselbench",
        "score",
        "--predictions",
        str(raw / "second_observer"),
        "--dataset",
        "phantom",
        "--draws",
        "100",
    ]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit, match=r"error: data/fov/phantom: no such folder; run 'dvc repro fov@phantom' from"):
        cli.main()
    Path("data/fov").mkdir()
    (raw / "fov").rename("data/fov/phantom")
    Path("data/splits").mkdir()
    Path("data/splits/phantom.csv").write_text("id,subset\np01,train\np02,test\n")
    cli.main()
    printed = capsys.readouterr().out
    assert "note: 1 of these images train in data/splits/phantom.csv: p01\n" in printed
    content = json.loads(Path("scores.json").read_text())
    assert content["images"] == ["p01", "p02"]
    assert content["scores"]["fov-pooled-native-fixed"]["f1"]["value"] > 0.5
