"""``vesselbench segment`` on photographs as people have them, and what it answers to bad input."""

import re
from pathlib import Path

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
from vesselbench.segment import load, segment

SHAPE = (130, 190)
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


def answer(pixels):
    """Give what the network says of pixels with black appended up to the next multiple of 16: float32 (H, W)."""
    rows, columns = pixels.shape[:2]
    image = torch.from_numpy(np.pad(pixels, ((0, -rows % 16), (0, -columns % 16), (0, 0)))).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        return torch.sigmoid(load_network(MODEL)[0](image)[-1])[0, 0, :rows, :columns].numpy()


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
    assert re.fullmatch(rf"vessels/eye\.png: 130 x 190, \S+ s, vessel in {share:.1f} % of the field of view\n", said)


def test_the_whole_frame_on_wish(models):
    save("eye.jpg", (160, 128))
    said = run("eye.jpg", "--whole-frame", "--out", "deep/maps")
    assert agree("deep/maps/eye.png", answer(np.array(Image.open("eye.jpg"))))
    assert said.endswith(" % of the frame\n")
    assert [path.name for path in Path("deep/maps").iterdir()] == ["eye.png"]
    assert run("eye.jpg", name="drive-iter_seg-0").startswith("vessels/eye.png: 160 x 128, ")


def test_patches_are_averaged(models):
    save("eye.png", (128, 192))
    run("eye.png", "--whole-frame", "--stride", "64")
    pixels, (total, times) = fundus((128, 192)), np.zeros((2, 128, 192))
    for left in (0, 64):
        total[:, left : left + 128] += answer(pixels[:, left : left + 128])
        times[:, left : left + 128] += 1
    assert agree("vessels/eye.png", total / times)
    assert not agree("vessels/eye.png", answer(pixels)), "as different as patches make it"


def test_the_photograph_is_prepared_as_in_training(models):
    make_model("drive-grey-0", recipe={"input": "clahe", "fit": ["resize", 64, 96]})
    assert segment(*load("drive-grey-0"), fundus()).shape == SHAPE, "one channel, as the network takes"
    make_model("drive-pad-0", recipe={"input": "rgb", "fit": ["pad", 130, 180]})
    large = "error: eye.png: 130 x 190 pixels cannot be padded to 130 x 180, as drive-pad-0 needs it; make it smaller"
    assert refused("eye.png", name="drive-pad-0") == large


def test_each_channel_has_a_map_of_its_own(models, monkeypatch):
    both = task.Task("artery_vein", ("background", "artery", "vein"), {"artery": (1,), "vein": (2,)})
    monkeypatch.setitem(task.TASKS, "both", both)
    make_model("drive-both-0", task="both")
    lines = run("eye.png", "--binary", "--whole-frame", name="drive-both-0").splitlines()
    assert [line.split(", ")[-1].split()[0] for line in lines] == ["artery", "vein"]
    names = {f"eye_{name}.png" for name in ("artery", "artery_binary", "vein", "vein_binary")}
    assert {path.name for path in Path("vessels").iterdir()} == names
    assert not np.array_equal(*(read_map(f"vessels/eye_{channel}.png") for channel in ("artery", "vein")))


def test_a_photograph_of_another_scale_is_told_of(models):
    width = diameter(estimate(fundus()))
    for number, (factor, noted) in enumerate(((0.6, True), (0.7, False), (1, False), (1.45, False), (1.6, True))):
        name = f"drive-like-{number}"
        make_model(name, diameter=width * factor)
        note = f"note: eye.png: its field of view is {width} pixels wide; those of the eyes that {name} learned from "
        note += f"are {width * factor:.0f}, and vessels of another width are missed: resize it by {factor}"
        assert run("eye.png", name=name).splitlines()[1:] == [note] * noted


def refused(*words, name=MODEL.name):
    before, said = sorted(Path().rglob("*")), run(*words, name=name, code=1)
    assert sorted(Path().rglob("*")) == before, "nothing is written"
    return said.removesuffix("\n")


@pytest.mark.parametrize(("words", "message"), [
    ("eye.png lost.png", "lost.png: no such file; name photographs, not folders, and check the path"),
    ("other", "other: no such file; name photographs, not folders"),
    ("eye.png note.txt", "note.txt: not an image, or not the whole of one; fetch or write it again"),
    ("eye.png other/eye.jpg", "eye.png and other/eye.jpg would both become vessels/eye.png; rename one, or give each"),
    ("eye.png other/eye_vessels.png --binary", "eye.png and other/eye_vessels.png would both become vessels/e"),
    ("eye.png --out other/..", "other/../eye.png: would replace a photograph; choose another folder by --out"),
    ("eye.png other/eye_vessels.png --out other --binary", "other/eye_vessels.png: would replace a photograph; "),
    ("eye.png --out note.txt", "--out is note.txt, which is a file; name a folder"),
    ("eye.png tiny.png", "tiny.png: 127 x 300 (rows x columns); no side may be shorter than that of a patch, 128 "),
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


def test_a_network_is_found_by_its_name(models):
    (network, about), other, image = load("drive-small-3"), load(MODEL.name)[0], torch.rand(1, 3, 32, 32)
    assert (about["network"], about["recipe"]["input"], network.training) == ("iternet", "rgb", False)
    assert torch.equal(other(image)[-1], load_network(MODEL)[0](image)[-1])
    assert not torch.equal(other(image)[-1], network(image)[-1])
    Path("data/models").rename("elsewhere")
    assert load("drive-small-3", Path("elsewhere"))[1] == about


def test_networks_that_are_not_there(models):
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
