"""``vesselbench segment`` on photographs as people have them, and what it answers to bad input."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from vesselbench.cli import main
from vesselbench.config import UserError
from vesselbench.data import task
from vesselbench.data.fov import diameter, estimate
from vesselbench.data.maps import read_map
from vesselbench.models.build import build_network, load_network, save_network
from vesselbench.segment import load, prepare, segment

SHAPE = (130, 134)
MODEL = Path("data/models/phantom/phantom-small-0")


def make_model(run, network="iternet", **about):
    arguments = {"width": 4, "iterations": 2} if network == "iternet" else {}
    about = {"task": "vessel", "recipe": {"input": "rgb", "fit": "none"}, "diameter": 118.0} | about
    channels = {"rgb": 3, "clahe": 1}[about["recipe"]["input"]], len(task.TASKS[about["task"]].channels)
    (folder := Path("data/models", run.split("-")[0], run)).mkdir(parents=True)
    about |= {"network": network, "arguments": arguments}
    save_network(folder, build_network(network, arguments, *channels), about)


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(5)
    for name, network in ((MODEL.name, "iternet"), ("drive-small-3", "iternet"), ("drive-iter_seg-0", "iter_seg")):
        make_model(name, network)
    save("eye.png")


def fundus(shape=SHAPE):
    """Grain inside a disc, black around it: uint8 (H, W, 3)."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    disc = np.hypot(rows - shape[0] / 2, columns - shape[1] / 2) < 0.45 * min(shape)
    return (np.random.default_rng(1).integers(90, 200, (*shape, 3)) * disc[..., None]).astype(np.uint8)


def save(path, shape=SHAPE):
    Path(path).parent.mkdir(exist_ok=True)
    Image.fromarray(fundus(shape)).save(path)


def answer(pixels, model=MODEL):
    """Give what the network says of pixels with black appended up to the next multiple of 16: float32 (H, W)."""
    rows, columns = pixels.shape[:2]
    image = torch.from_numpy(np.pad(pixels, ((0, -rows % 16), (0, -columns % 16), (0, 0)))).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        return torch.sigmoid(load_network(model)[0](image)[-1])[0, 0, :rows, :columns].numpy()


def run(*words, name=MODEL.name, code=0):
    done = CliRunner().invoke(main, ["segment", "--weights", name, *words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def agree(path, probability):
    return np.abs(read_map(path, probability.shape) / 65535 - probability).max() < 2e-5


def test_a_map_is_the_networks_answer_inside_the_field_of_view_and_0_outside(models):
    said, fov = run("eye.png", "--binary"), estimate(fundus())
    expected = np.where(fov, answer(fundus()), 0)
    assert agree("vessels/eye.png", expected)
    vessels = np.array(Image.open("vessels/eye_vessels.png"))
    assert (vessels.dtype, vessels.shape) == (np.uint8, SHAPE)
    clear = np.abs(expected - 0.5) > 1e-4
    assert np.array_equal(vessels[clear], np.where(expected >= 0.5, 255, 0)[clear])
    share = 100 * (vessels[fov] == 255).mean()
    assert 0 < share < 100
    line = rf"vessels/eye\.png: 130 x 134, scale 1, \S+ s, vessel in {share:.1f} % of the field of view\n"
    assert re.fullmatch(line, said)


def test_the_whole_frame_on_wish(models):
    save("eye.jpg", (130, 128))
    said = run("eye.jpg", "--whole-frame", "--out", "deep/maps")
    assert agree("deep/maps/eye.png", answer(np.array(Image.open("eye.jpg"))))
    assert said.endswith(" % of the frame\n")
    assert [path.name for path in Path("deep/maps").iterdir()] == ["eye.png"]
    assert run("eye.png", name="drive-iter_seg-0").startswith("vessels/eye.png: 130 x 134, scale 1, ")


def test_patches_are_averaged(models):
    save("eye.png", (128, 132))
    run("eye.png", "--whole-frame", "--stride", "64")
    pixels, (total, times) = np.pad(fundus((128, 132)), ((0, 0), (0, 60), (0, 0))), np.zeros((2, 128, 192))
    for left in (0, 64):
        total[:, left : left + 128] += answer(pixels[:, left : left + 128])
        times[:, left : left + 128] += 1
    assert agree("vessels/eye.png", (total / times)[:, :132])
    assert not agree("vessels/eye.png", answer(pixels)[:, :132]), "as different as patches make it"


def test_the_photograph_is_prepared_as_in_training(models):
    make_model("drive-grey-0", recipe={"input": "clahe", "fit": ["resize", 64, 96]})
    assert segment(*load("drive-grey-0"), fundus()).shape == SHAPE, "one channel, as the network takes"
    make_model("drive-pad-0", recipe={"input": "rgb", "fit": ["pad", 130, 132]})
    large = "eye.png: 130 x 134 pixels cannot be padded to 130 x 132, as the network needs it; choose a smaller --scale"
    assert refused("eye.png", name="drive-pad-0") == f"error: {large}"


@pytest.mark.parametrize(("learned", "factor"), [(118.0, 0.502), (59.0, 0.251), (235.0, 1), (215.0, 1), (470.0, 2)])
def test_a_photograph_is_shown_at_the_scale_learned_from_and_its_map_has_its_own_size(models, learned, factor):
    """The eye is 235 pixels wide; what is within a tenth of that is left as it is."""
    make_model("drive-like-0", diameter=learned)
    save("large.png", (262, 262))
    said = run("large.png", "--whole-frame", name="drive-like-0")
    assert said.startswith(f"vessels/large.png: 262 x 262, scale {factor}, ")
    expected, side = fundus((262, 262)), {0.502: 132, 0.251: 66, 1: 262, 2: 524}[factor]
    if factor != 1:
        expected = cv2.resize(expected, (side, side), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    expected = answer(expected, Path("data/models/drive/drive-like-0"))
    assert agree("vessels/large.png", cv2.resize(expected, (262, 262)))
    assert agree("vessels/large.png", segment(*load("drive-like-0"), fundus((262, 262))))


def test_a_scale_on_wish_and_what_is_doubtful_about_it(models):
    width = diameter(estimate(fundus()))
    assert width == 117
    for factor, noted in (("none", False), ("0.6", True), ("0.7", False), ("1.45", False), ("1.6", True)):
        *notes, line = run("eye.png", "--scale", factor).splitlines()
        shown = round(width * float(factor.replace("none", "1")))
        note = f"note: eye.png: its field of view is shown {shown} pixels wide; those of the eyes learned from are"
        assert [own.startswith(note) for own in notes] == [True] * noted, notes
        assert f"scale {factor.replace('none', '1')}, " in line


def test_a_wide_frame_is_cut_off_and_a_surround_that_is_not_dark_is_none(models):
    wide = np.zeros((300, 420, 3), np.uint8)
    wide[80:210, 150:284] = fundus()
    network, about = load(MODEL.name)
    prepared = prepare(network, about, wide, None)
    assert prepared.frame == (slice(84, 207), slice(156, 279)), "117 pixels, and 3 around them"
    assert np.array_equal(prepared.pixels, wide[84:207, 156:279])
    found = segment(network, about, wide)
    assert found.shape == (300, 420)
    assert np.abs(found[84:207, 156:279] - answer(wide[84:207, 156:279])).max() < 2e-5
    found[84:207, 156:279] = 0
    assert not found.any()
    bright = np.where(fundus() > 0, 250, 150).astype(np.uint8)
    prepared = prepare(network, about, bright, None)
    assert prepared.eye.all()
    assert prepared.notes == ["no dark surround, so its field of view is taken to be as wide as the frame, 134 pixels"]


def test_folders_are_searched_and_a_bad_photograph_does_not_stop_the_others(models):
    for name in ("a.jpg", "b.PNG", ".hidden.png", "deep/.cache/c.png", "deep/c.png", "vessels/eye.png"):
        Path("photos", name).parent.mkdir(parents=True, exist_ok=True)
        save(Path("photos", name))
    for name in ("bad.png", "notes.txt"):
        Path("photos/deep", name).write_text("no image")
    said = run("eye.png", "photos", "photos/a.jpg", "--out", "photos/vessels", code=1).splitlines()
    places = ["eye.png", "a.png", "b.png", "deep/c.png"]
    assert [line.split(":")[0] for line in said[:4]] == [f"photos/vessels/{place}" for place in places]
    assert said[4] == "error: 1 of 5 photographs were not segmented:"
    assert said[5].startswith("  photos/deep/bad.png: ")
    assert len(said) == 6
    assert {*Path("photos/vessels").rglob("*.png")} == {Path("photos/vessels", place) for place in places}


def refused(*words, name=MODEL.name):
    before, said = sorted(Path().rglob("*")), run(*words, name=name, code=1)
    assert sorted(Path().rglob("*")) == before, "nothing is written"
    return said.removesuffix("\n")


@pytest.mark.parametrize(("words", "message"), [
    ("eye.png lost.png", "lost.png: no such file or folder; check the path"),
    ("eye.png data", "data: no photograph in this folder; it takes files that end in .jpg, "),
    ("note.txt", "note.txt: "),
    ("eye.png other/eye.jpg", "eye.png and other/eye.jpg would both become vessels/eye.png; rename one, or give each"),
    ("eye.png other/eye_vessels.png --binary", "eye.png and other/eye_vessels.png would both become vessels/e"),
    ("eye.png --out other/..", "other/../eye.png: would replace a photograph; choose another folder by --out"),
    ("eye.png other/eye_vessels.png --out other --binary", "other/eye_vessels.png: would replace a photograph; "),
    ("eye.png --out note.txt", "--out is note.txt, which is a file; name a folder"),
    ("tiny.png", "tiny.png: 127 x 300 (rows x columns); no side may be shorter than that of a patch, 128 pixels; "),
    ("eye.png --scale half", "--scale is half; it must be auto, none, or a factor from 0.01 to 100"),
    ("eye.png --scale nan", "--scale is nan; it must be auto, none, or a factor"),
    ("eye.png --scale 0", "--scale is 0; it must be"),
    ("eye.png --scale 0.2", "eye.png: scaled by 0.2 it is 26 x 27 (rows x columns); a network is shown sides of 32 "),
    ("eye.png --scale 90", "eye.png: scaled by 90 it is 11700 x 12060 (rows x columns); a network is shown "),
    ("eye.png --scale 30 --weights drive-iter_seg-0", "eye.png: scaled by 30 it is 3900 x 4020 (rows x columns); a "),
    ("eye.png --stride -1", "--stride is -1; it must be from 1 to 128, the side of a patch, or be left out"),
    ("eye.png --stride 129", "--stride is 129; it must be from 1 to 128"),
    ("eye.png --stride 8 --weights drive-iter_seg-0", "--stride is 8, but drive-iter_seg-0 looks at whole photographs"),
])  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_written(models, words, message):
    save("other/eye.jpg")
    save("other/eye_vessels.png")
    save("tiny.png", (127, 300))
    Path("note.txt").write_text("no image")
    assert refused(*words.split()).startswith(f"error: {message}")


def test_a_network_is_found_by_its_name_or_what_is_there_is_listed(models):
    (network, about), other, image = load("drive-small-3"), load(MODEL.name)[0], torch.rand(1, 3, 32, 32)
    assert (about["network"], about["recipe"]["input"], network.training) == ("iternet", "rgb", False)
    assert torch.equal(other(image)[-1], load_network(MODEL)[0](image)[-1])
    assert not torch.equal(other(image)[-1], network(image)[-1])
    there = "data/models holds drive-iter_seg-0, drive-small-3, phantom-small-0"
    for name in ("small", "drive-small", "drive-small-x", "drive-small-3-whole", "../drive-small-3"):
        form = f"weights {name!r}: a name is data set, label and seed joined by '-', such as drive-iternet-0; {there}"
        assert refused("eye.png", name=name) == f"error: {form}"
    fix = "run 'dvc pull train@drive-big-1', or train it: 'dvc repro train@drive-big-1'"
    assert refused("eye.png", name="drive-big-1").endswith(f"/drive/drive-big-1: no trained network; {there}; {fix}")
    (MODEL / "weights.safetensors").unlink()
    assert "data/models/phantom/phantom-small-0: no trained network" in refused("eye.png")
    with pytest.raises(UserError, match=r"no trained network; empty holds none; run 'dvc pull train@drive-small-3'"):
        load("drive-small-3", Path("empty"))
    Path("data/models").rename("elsewhere")
    assert load("drive-small-3", Path("elsewhere"))[1] == about
