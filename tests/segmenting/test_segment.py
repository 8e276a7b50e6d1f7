"""``vesselbench segment`` on photographs as people have them, and what it answers to bad input."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vesselbench import cli
from vesselbench.data.fov import estimate
from vesselbench.data.levels import read_levels
from vesselbench.models.build import NetworkEntry, build_network, load_network, save_network
from vesselbench.segmenting.command import segment

SHAPE = (130, 190)


def fundus(shape=SHAPE):
    """Grain inside a disc, black around it: uint8 (H, W, 3)."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    disc = (rows - shape[0] / 2) ** 2 + (columns - shape[1] / 2) ** 2 < (0.45 * min(shape)) ** 2
    grain = np.random.default_rng(1).integers(90, 200, (*shape, 3))
    return (grain * disc[..., None]).astype(np.uint8)


def save(path, pixels=None):
    Path(path).parent.mkdir(exist_ok=True)
    Image.fromarray(fundus() if pixels is None else pixels).save(path)


def answer(network, pixels):
    """What the network says of pixels whose sides it takes as they are: float32 (H, W)."""
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        return torch.sigmoid(network(image)[-1])[0, 0].numpy()


def padded_answer(folder, pixels):
    """The same, with black appended up to the next multiple of 16."""
    rows, columns = pixels.shape[:2]
    padded = np.pad(pixels, ((0, -rows % 16), (0, -columns % 16), (0, 0)))
    return answer(load_network(folder)[0], padded)[:rows, :columns]


def run(monkeypatch, capsys, *words, name="phantom-small-0"):
    monkeypatch.setattr(sys, "argv", ["vesselbench", "segment", *words, "--weights", name])
    cli.main()
    return capsys.readouterr().out


def refused(monkeypatch, capsys, *words, name="phantom-small-0"):
    before = sorted(Path().rglob("*"))
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, capsys, *words, name=name)
    assert sorted(Path().rglob("*")) == before, "nothing is written"
    return stop.value.code


def agree(path, probability):
    """Whether a map holds these probabilities, but for rounding."""
    return np.abs(read_levels(path, probability.shape) / 65535 - probability).max() < 2e-5


def test_a_map_is_the_networks_answer_inside_the_field_of_view_and_0_outside(weights, monkeypatch, capsys):
    save("eye.png")
    said = run(monkeypatch, capsys, "eye.png", "--binary")
    fov = estimate(fundus())
    expected = np.where(fov, padded_answer(weights / "weights/phantom/small/0", fundus()), 0)
    assert 0.2 < fov.mean() < 0.8
    assert agree("vessels/eye.png", expected)
    with Image.open("vessels/eye_vessels.png") as image:
        vessels = np.array(image)
    assert (vessels.dtype, vessels.shape) == (np.uint8, SHAPE)
    clear = np.abs(expected - 0.5) > 1e-4
    assert np.array_equal(vessels[clear], np.where(expected >= 0.5, 255, 0)[clear])
    share = 100 * (vessels[fov] == 255).mean()
    assert 0 < share < 100
    line = rf"vessels/eye\.png: 130 x 190, \d+\.\d s, vessel in {share:.1f} % of the field of view\n"
    assert re.fullmatch(line, said)


def test_the_whole_frame_on_wish(weights, monkeypatch, capsys):
    save("eye.jpg", fundus((160, 128)))
    said = run(monkeypatch, capsys, "eye.jpg", "--whole-frame", "--out", "deep/maps")
    with Image.open("eye.jpg") as image:
        pixels = np.array(image)
    assert agree("deep/maps/eye.png", padded_answer(weights / "weights/phantom/small/0", pixels))
    assert said.endswith(" % of the frame\n")
    assert [path.name for path in Path("deep/maps").iterdir()] == ["eye.png"]


def test_patches_are_averaged(weights, monkeypatch, capsys):
    pixels = fundus((128, 192))
    save("eye.png", pixels)
    run(monkeypatch, capsys, "eye.png", "--whole-frame", "--stride", "64")
    network, _ = load_network(weights / "weights/phantom/small/0")
    total, times = np.zeros((128, 192)), np.zeros((128, 192))
    for left in (0, 64):
        total[:, left : left + 128] += answer(network, pixels[:, left : left + 128])
        times[:, left : left + 128] += 1
    assert agree("vessels/eye.png", total / times)
    assert not agree("vessels/eye.png", answer(network, pixels)), "as different as patches make it"


def test_the_photograph_is_preprocessed(weights):
    entry = NetworkEntry("iternet", "clahe", {"width": 4, "iterations": 1})
    assert segment(build_network(entry).eval(), entry, fundus()).shape == SHAPE, "one channel, as the network takes"


def test_a_photograph_of_another_scale_is_told_of(weights, monkeypatch, capsys):
    save("small.png")
    save("like.png", fundus((565, 584)))
    lines = run(monkeypatch, capsys, "small.png", "like.png", name="drive-small-3").splitlines()
    assert [line.split(":")[0] for line in lines] == ["vessels/small.png", "note", "vessels/like.png"]
    assert lines[1] == (
        "note: small.png: its shorter side is 130 pixels; the photographs that drive-small-3 learned from have 565, "
        "and vessels of another width are missed: resize it to about that"
    )


REFUSED = {
    "no such file": (
        ["eye.png", "lost.png"],
        "lost.png: no such file; name photographs, not folders, and check the path",
    ),
    "a folder": (["other"], "other: no such file; name photographs, not folders, and check the path"),
    "no image": (
        ["eye.png", "note.txt"],
        "note.txt: not an image, or not the whole of one; fetch or write it again",
    ),
    "one stem": (
        ["eye.png", "other/eye.jpg"],
        "eye.png and other/eye.jpg would both become vessels/eye.png; rename one, or give each a call and an --out of "
        "its own",
    ),
    "a map named as vessels": (
        ["eye.png", "other/eye_vessels.png", "--binary"],
        "eye.png and other/eye_vessels.png would both become vessels/eye_vessels.png; rename one, or give each a call "
        "and an --out of its own",
    ),
    "over itself": (
        ["eye.png", "--out", "other/.."],
        "other/../eye.png: would replace a photograph; choose another folder by --out",
    ),
    "over another": (
        ["eye.png", "other/eye_vessels.png", "--out", "other", "--binary"],
        "other/eye_vessels.png: would replace a photograph; choose another folder by --out",
    ),
    "into a file": (["eye.png", "--out", "note.txt"], "--out is note.txt, which is a file; name a folder"),
    "too small": (
        ["eye.png", "tiny.png"],
        "tiny.png: 127 x 300 (rows x columns); no side may be shorter than that of a patch, 128 pixels; give a whole "
        "fundus photograph",
    ),
    "negative stride": (
        ["eye.png", "--stride", "-1"],
        "--stride is -1; it must be from 1 to 128, the side of a patch, or be left out",
    ),
    "stride with gaps": (
        ["eye.png", "--stride", "129"],
        "--stride is 129; it must be from 1 to 128, the side of a patch, or be left out",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_before_anything_is_written(case, weights, monkeypatch, capsys):
    for path in ("eye.png", "other/eye.jpg", "other/eye_vessels.png"):
        save(path)
    save("tiny.png", fundus((127, 300)))
    Path("note.txt").write_text("no image")
    words, message = REFUSED[case]
    assert refused(monkeypatch, capsys, *words) == f"error: {message}"


def test_a_method_that_looks_at_whole_photographs_has_no_stride(weights, monkeypatch, capsys):
    entry, folder = NetworkEntry("iter_seg", "rgb"), weights / "weights/phantom/iter_seg/0"
    folder.mkdir(parents=True)
    save_network(folder, build_network(entry), entry)
    save("eye.png")
    assert refused(monkeypatch, capsys, "eye.png", "--stride", "8", name="phantom-iter_seg-0") == (
        "error: --stride is 8, but phantom-iter_seg-0 looks at whole photographs only; leave it out"
    )
    assert run(monkeypatch, capsys, "eye.png", name="phantom-iter_seg-0").startswith("vessels/eye.png: 130 x 190, ")


def test_unknown_weights_are_answered_with_the_known_ones(weights, monkeypatch, capsys):
    save("eye.png")
    assert "data holds drive-small-3, phantom-small-0; fetch it by 'dvc pull data/weights/drive/big/0'" in (
        refused(monkeypatch, capsys, "eye.png", name="drive-big-0")
    )


def test_the_help_says_that_it_is_no_medical_device(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, "--help")
    assert "no medical device, not for diagnosis" in " ".join(capsys.readouterr().out.split())
