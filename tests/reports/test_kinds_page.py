"""Arteries and veins: their sections of a page and their pictures; a score's interval reaches .038 to either side."""

import numpy as np
import pytest
from small_runs import RECIPE, part, row

from vesselbench.reports.gallery import Example, differ, errors, gallery_figure, sheet
from vesselbench.reports.pages import budget_note, card, summary

RED, BLUE, GREEN, GREY, WHITE = [0xC0, 0, 0], [0, 0x60, 0xE0], [0, 0xA0, 0x70], [0x50] * 3, [255] * 3
WRONG, MISSED, FALSE, OUTSIDE = [0xFF, 0xB0, 0], [0xB8] * 3, [0xDD, 0xB5, 0xF0], [0xEE] * 3


@pytest.fixture
def arteries(project):
    """BF-Net and a UNet on DRIVE-AV, of which there is no second observer."""
    project.data = "drive_av"
    project.add("bfnet", f1=0.7, kinds={"weighted_f1": 0.68, "all_balanced_accuracy": 0.9}).observe_none()
    return project.add("unet", f1=0.6, kinds={})


def test_a_page_begins_with_the_kinds_of_vessel(arteries, written):
    text, numbers = written(arteries.add("bfnet", seed=1, f1=0.7, kinds={"weighted_f1": 0.66}))
    assert row(part(text, "Arteries against the rest"), "BF-Net", "patched")[5] == ".7000 ± .0000"
    asked = part(text, "Kind of vessel on true vessel pixels")
    assert row(asked, "UNet", "patched", "ours")[3:] == ["-", "-", ".8000", "-", "-"]
    assert row(part(text, "Intra-segment misclassification"), "UNet", "patched")[3:] == [".2000", "-"]
    differences = part(text, "Differences in telling the kinds apart")
    assert row(differences, "Kind of vessel", "Balanced accuracy, all", "patched", "BF-Net", "UNet")[5] == "+.0500"
    assert row(differences, "Vein", "F1", "patched", "BF-Net", "UNet")[5] == "+.1000"
    confusion = part(text, "Confusion of kinds")
    assert row(confusion, "BF-Net", "patched", "artery")[3:5] == ["25.0 % (50)", "75.0 % (150)"]  # of both seeds
    assert row(confusion, "UNet", "patched", "vein")[3:] == ["0.0 % (0)", "75.0 % (1,500)", "25.0 % (500)", "0.0 % (0)"]
    assert row(confusion, "UNet", "patched", "uncertain")[3:] == ["-"] * 4
    assert "## Vessels of any kind\n" in text.split("## Inside the field of view")[0]
    assert not any(words in text for words in ("Second observer", "IterNet (WACV", "Ablations", "Claimed by the paper"))
    own = numbers["kinds"]["bfnet"]["patched"]["0"]
    assert own["fov-pooled-native-fixed"] == {"all_balanced_accuracy": 0.9, "mixed_segments": 0.2}
    assert own["fov-mean-native-fixed"]["weighted_f1"] == 0.68
    assert numbers["vein"]["unet"]["patched"]["0"]["fov"]["f1"] == 0.6
    assert len(numbers["kind_comparisons"]) == 4


def test_bfnets_claims_stand_beside_ours_under_its_own_protocol(arteries, written):
    text, numbers = written(arteries)
    assert row(part(text, "BF-Net's own protocol"), "BF-Net", "patched", "Weighted")[6:] == [".6800", ".0500"]
    assert row(part(text, "BF-Net's own protocol"), "UNet", "patched", "Uncertain or crossing")[7] == ".0400"
    claimed = part(text, "Claimed by BF-Net, and ours")
    budget = "of the pixels of BF-Net's 13,500 steps of 2 photographs of 592 x 592.\n- A reduced budget refutes"
    assert budget in claimed
    cells = row(claimed, "BF-Net README V1.0 2021-04-21", "performance", "BF-Net", "Weighted", "F1")
    assert cells[5:] == [".7003 ± .0003", ".6800", ".6420 to .7180", "reproduced"]
    assert row(claimed, "BF-Net README 2022-05-16", "sigmoid to softmax", "BF-Net, softmax")[-1] == "not run"
    assert (len(numbers["bfnet_claims"]), len(numbers["claims"])) == (15, 0)
    line = "- DRIVE-AV: not in the paper; see [its table](tables/drive_av.md), with BF-Net's claims beside ours.\n"
    assert summary({"drive_av": numbers}).endswith(line)


def test_what_nobody_claims_has_no_claims_and_a_vessel_page_no_kinds(project, written):
    text, numbers = written(project.add("unet").observe())
    assert not {"kinds", "artery", "bfnet_claims"} & set(numbers)
    assert "rteries" not in text
    project.data = "phantom_av"
    project.runs.clear()
    text, numbers = written(project.add("bfnet", kinds={}).observe_none())
    assert text.startswith("# Phantom A/V\n")
    assert "Claimed" not in text
    assert "bfnet_claims" not in numbers


def test_several_seeds_have_an_interval_under_bfnets_protocol_and_a_channel_its_own_scores_alone(arteries):
    channels = arteries.add("bfnet", seed=1, kinds={"weighted_f1": 0.7}).channels()
    own = channels["kinds"].averages.loc[("bfnet", "patched", "fov-mean-native-fixed", "weighted_f1")]
    assert own[["value", "low", "high"]].tolist() == pytest.approx([0.69, 0.652, 0.728]), "mean of the seeds' draws"
    scores = {"f1", "weighted_f1"}
    assert [scores & {*channels[name].images} for name in ("artery", "kinds")] == [{"f1"}, {"weighted_f1"}]


def test_budget_and_card_of_what_tells_kinds_apart(arteries):
    recipe = {"steps": 13500, "batch": 2, "patch": [592, 592], "validation": ["21", "22"]}
    assert "2 patches of 592 x 592 pixels, no fewer pixels than BF-Net's 13,500" in budget_note("drive_av", recipe)
    about = {"task": "artery_vein", "recipe": RECIPE | recipe}
    channels = arteries.add("bfnet", seed=2, f1=0.5, about=about, kinds={}).channels()
    text = card(channels, "drive_av-bfnet-2")
    assert "gives the probabilities of artery and of vein, and so that of vessel of every pixel" in text
    assert "- Of the former, 21, 22 held out" in text
    scores = part(text, "How well it does")
    assert [scores.count(f"{kind} against the rest:\n\n| Score") for kind in ("Artery", "Vein", "Vessel")] == [1, 1, 1]


def test_a_kind_is_drawn_in_its_colour_and_an_error_in_another():
    # of truth and found: right; either is right on a crossing; both called; any on uncertain; and four errors
    truth = np.array([[1, 2, 3, 3, 3, 1, 4, 1, 2, 1, 3, 4, 0, 0, 2]], np.uint8)
    found = np.array([[1, 2, 3, 1, 2, 3, 2, 2, 1, 0, 0, 0, 3, 0, 1]], np.uint8)
    fov = np.arange(15)[None] < 14
    expected = [RED, BLUE, GREEN, RED, BLUE, GREEN, GREY, WRONG, WRONG, MISSED, MISSED, MISSED, FALSE, WHITE, OUTSIDE]
    assert errors(truth, found, fov)[0].tolist() == expected
    assert differ(truth, found)[0].tolist() == [False] * 7 + [True] * 6 + [False, True]
    classes = np.arange(5, dtype=np.uint8)[None]
    assert errors(classes, classes, classes < 9)[0].tolist() == [WHITE, RED, BLUE, GREEN, GREY]


def test_the_gallery_and_the_sheet_are_in_colour_where_classes_are_given():
    truth, photograph = np.zeros((30, 60), np.uint8), np.zeros((30, 60, 3), np.uint8)
    truth[:10, :20], truth[20:, 40:] = 3, 1
    found = np.where(truth == 3, 2, truth * 2)  # right on the crossing, wrong on the artery
    example = Example("a", photograph, truth, np.ones((30, 60), bool), {"bfnet": found.astype(np.uint8)})
    figure = gallery_figure("drive_av", [example])
    assert "mean of artery and vein" in figure.get_suptitle()
    assert figure.axes[0].patches[0].get_bbox().bounds == (39.5, 19.5, 20, 10)  # the window
    assert figure.axes[5].images[0].get_array()[0, 0].tolist() == WRONG
    assert figure.axes[4].images[0].get_array()[0, 0].tolist() == RED
    above, *others = sheet([photograph] * 3, [truth] * 3, ["a", "b", "c"]).axes
    assert [axes.get_title() for axes in (above, *others)] == ["a", "b", "c", "", "", ""], "a column an image"
    assert others[2].images[0].get_array()[0, 0].tolist() == GREEN
