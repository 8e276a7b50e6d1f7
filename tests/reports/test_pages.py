"""The page and the numbers of one data set, the summary of all, and model cards."""

import math

from small_runs import RECIPE, part, row

from vesselbench.reports.overview import overview_figure
from vesselbench.reports.pages import budget_note, card, claims_of, data_sheet, network_method, summary
from vesselbench.reports.style import display_name, format_interval, format_score


def test_numbers_and_names_as_people_write_them():
    scores = [format_score(value) for value in (0.97744, 1.0, -0.5, float("nan"))]
    assert scores == [".9774", "1.0000", "-.5000", "-"]
    assert [format_score(12.25, "betti_0"), format_score(0.1, sign="+")] == ["12.2", "+.1000"]
    assert [format_score(value, "p_value") for value in (0.00009, 0.0078)] == ["< .0001", ".0078"]
    assert format_interval(0.975, 0.9802) == ".9750 to .9802"
    assert format_interval(0.975, float("nan")) == "-"
    keys = {"denseblock_unet": "DenseBlock-UNet", "my_net": "my_net", "wnet_own": "W-Net (own recipe)"}
    keys |= {"iternet_fold0": "IterNet (fold0)", "chase_db1": "CHASE_DB1"}
    keys |= {"unet_of_chase_db1": "UNet, from CHASE_DB1"}
    assert {key: display_name(key) for key in keys} == keys


def test_the_numbers_of_several_seeds_are_nested_and_the_lists_have_an_item_a_line(two_seeds, written, tmp_path):
    page, numbers = written(two_seeds)
    assert row(page, "UNet", "patched", "ours, 2 seeds")[4] == ".7200 ± .0283"  # |.74 - .70| / sqrt 2
    assert "largest: .0000 in AUC, .0283 in F1, .0000 in connectivity; the intervals" in page
    lists = [
        "labels",
        "claims",
        "ablations",
        "comparisons",
        "folds",
        "protocols",
        "transfers",
        "budget",
        "connectivity",
    ]
    assert [*numbers] == ["iternet", "unet", "second_observer", "images", *lists]
    own, observer = numbers["unet"]["patched"]["1"], numbers["second_observer"]["fov"]
    assert (own["fov"]["f1"], own["frame"]["specificity"], observer["f1"]) == (0.74, 0.99, 0.79)
    assert "auc" not in observer  # withheld
    assert (numbers["images"], numbers["labels"]) == (2, ["iternet", "unet"])
    assert [len(numbers[name]) for name in lists] == [2, 55, 0, 3, 0, 4 * 24, 0, 1, 3]
    item = numbers["protocols"][1]
    assert (item["protocol"], item["scores"]["f1"]["low"]) == ("fov-pooled-native-training", 0.782)
    claims = numbers["claims"]
    found = [c for c in claims if (c["method"], c["how"], c["score"]) == ("unet", "rerun", "connectivity")]
    assert found == [
        {"table": "table 1", "method": "unet", "mode": "", "how": "rerun", "mask": "fov", "score": "connectivity"}
        | {"claimed": 0.7948, "verdict": "not reproduced", "ours": 0.5, "difference": -0.2948}
        | {"low": 0.462, "high": 0.538, "ours_mode": "patched", "protocol": "fov-pooled-native-fixed"}
        | {"implied_verdict": "not reproduced", "implied_ours": 0.5, "implied_low": 0.462, "implied_high": 0.538}
        | {"implied_protocol": "fov-pooled-native-fixed"}
        | {"resized_ours": 0.9, "resized_low": 0.862, "resized_high": 0.938}
    ]
    assert "ours" not in next(claim for claim in claims if claim["method"] == "r2unet")
    text = (tmp_path / "drive.json").read_text()
    assert sum(line.startswith('    {"table"') for line in text.splitlines()) == 55
    assert "null" not in text


def test_our_rows_have_their_interval_below(one_seed, written):
    text, _ = written(one_seed)
    ours, more = part(text, "Inside the field of view"), part(text, "More scores")
    columns = ["Connectivity", "F1", "Sensitivity", "Specificity", "Accuracy", "AUC"]
    assert row(ours, "Method") == ["Method", "Mode", "Source", *columns]
    assert row(ours, "IterNet", "patched", "ours")[3:6] == [".5000", ".8000", ".7000"]
    assert row(ours, "95 % interval")[1:5] == ["", "", ".4620 to .5380", ".7620 to .8380"]
    assert row(ours, "Second observer", "", "labels")[-1] == "-"
    assert row(part(text, "Whole frame, without the mask"), "UNet", "patched", "ours")[6] == ".9900"
    assert row(more, "Method")[3:6] == ["clDice", "Betti-0 error", "Betti-1 error"]
    assert row(more, "UNet", "patched")[3:6] == [".6000", "12.2", "3.0"]
    for section in text.split("## ")[1:]:
        assert len({len(line) for line in section.splitlines() if line[:1] == "|"}) <= 1, "lines are of one width"


def test_differences_are_marked_and_claims_stand_beside_ours_below_the_budget(one_seed, written):
    text, _ = written(one_seed)
    differences = part(text, "Differences between models")
    cells = row(differences, "F1", "patched", "IterNet", "UNet")
    assert cells[4:] == ["+.1000", "+.1000 to +.1000", ".5000", "not supported"]
    assert row(differences, "AUC", "patched")[4:] == ["+.0000", "+.0000 to +.0000", "-", "not supported"]
    assert "on these 2 images no difference below .0000 in AUC, .0000 in F1, .0000 in connectivity" in differences
    assert "with 2 test images Wilcoxon's p is at least .5000" in differences
    claimed = part(text, "Claimed by the paper, and ours")
    assert claimed.startswith("- Training: 6,200 steps of 32 patches of 128 x 128 pixels, **a reduced budget**")
    assert "A reduced budget refutes nothing" in claimed
    cells = row(claimed, "1", "IterNet", "patched", "field of view", "F1")
    assert cells[5:10] == [".8205", ".8000", "-.0205", ".7620 to .8380", "reproduced"]
    assert cells[10:] == ["there and back", ".7900", "reproduced"]
    assert row(claimed, "1", "IterNet", "patched")[4:] == (
        ["Connectivity", ".9193", ".5000", "-.4193", ".4620 to .5380", "not reproduced"]
        + ["at the square", ".9000", "reproduced"]
    )
    assert row(claimed, "1", "UNet", "(patched)")[4:8] == ["Connectivity", ".7948", ".5000", "-.2948"]
    assert row(claimed, "1", "Iter-Seg, quoted")[5:] == [".7390", "-", "-", "-", "not run", "", "-", ""]
    assert row(claimed, "1", "UNet, quoted")[3] == "not said"


def test_protocols_readings_and_how_the_maps_were_made(one_seed, written):
    text, _ = written(one_seed)
    protocols = part(text, "The same maps under every protocol")
    assert protocols.startswith("IterNet, mode patched.\n")
    assert len([line for line in protocols.splitlines() if line[:1] == "|"]) == 2 + 24
    assert row(protocols, "whole frame", "mean", "at the square", "training")[5] == ".8100"  # .80 - .01 + .02
    readings = part(text, "Connectivity under other readings")
    columns = ["Neighbours", "Levels", "Smallest segment", "Skeleton", "IterNet", "UNet"]
    assert row(readings, "Reading") == ["Reading", *columns]
    assert row(readings, "ours") == ["ours", "8", "256", "1", "zhang", ".5000", ".5000"]
    assert row(readings, "", "4")[-1] == ".3000"
    made = part(text, "How the maps were made")
    assert row(made, "IterNet", "patched")[2:] == ["Patches", "128", "64", "128", ".430"]
    assert "chosen on the 2 training images: highest F1." in made
    text, _ = written(one_seed.add("unet", seed=1, modes=("flips",)))
    assert row(part(text, "How the maps were made"), "UNet", "flips")[2:] == [
        "Whole image",
        "",
        "",
        "",
        "mean of 4",
        ".430",
    ]
    assert "- The second observer has no AUC: one operating point." in text


def test_a_data_set_without_claims_or_without_runs(project, written):
    text, numbers = written(project)
    assert text == "# DRIVE\n\nNo run of this data set is listed in `params.yaml`.\n"
    assert (numbers["images"], numbers["labels"], len(numbers["claims"])) == (0, [], 55)
    project.data = "phantom"
    text, numbers = written(project.add("unet").observe())
    assert text.startswith("# Phantom\n")
    assert not any(word in text for word in ("Claimed", "±", "| First"))
    assert "- Training: 6,200 steps of 32 patches of 128 x 128 pixels.\n" in text


def test_folds_and_other_splits_have_sections_of_their_own(project, written):
    project.add("unet", f1=0.7).add("unet_half", model="unet", split="half", f1=0.6).observe().observe("half")
    for number, (name, f1) in enumerate({"03": 0.7, "04": 0.9}.items()):
        label, split = f"iternet_fold{number}", f"fold{number}"
        project.add(label, model="iternet", split=split, f1=f1, images={name: 0.0}).observe(split, images={name: 0.0})
    text, numbers = written(project)
    assert row(part(text, "Folds"), "IterNet", "cpu", "patched", "0", "2", "2", "F1")[7] == ".8000"
    assert row(part(text, "Split half"), "UNet (half)")[4] == ".6000"
    assert "## Split fold0" not in text
    assert "fold0" not in part(text, "Inside the field of view")
    assert numbers["labels"] == ["unet"]
    assert numbers["iternet_fold1"]["patched"]["0"]["fov"]["f1"] == 0.9


def test_the_budget_is_held_against_the_papers_and_budgets_that_differ_name_their_networks(project, written):
    recipe = {"steps": 1240, "batch": 32, "patch": 64}
    assert budget_note("drive", recipe) == (
        "Training: 1,240 steps of 32 patches of 64 x 64 pixels, **a reduced budget**: 2.5 % of the pixels of the "
        "paper's 12,400 steps of 32 patches of 128 x 128."
    )
    assert budget_note("phantom", recipe) == "Training: 1,240 steps of 32 patches of 64 x 64 pixels."
    full = budget_note("stare", {"steps": 10000, "batch": 32, "patch": 128})
    assert ", no fewer pixels than the paper's 10,000 steps of 32 patches of 128 x 128." in full
    project.add("iternet").add("unet", about={"recipe": RECIPE | {"steps": 5}})
    project.add("iter_seg", about={"recipe": RECIPE | {"steps": 0}}).observe()
    budget = written(project)[1]["budget"]
    assert [note.rsplit("(", 1)[1] for note in budget] == ["IterNet).", "UNet).", "Iter-Seg)."]
    assert budget[2] == "Training: none, a classical method (Iter-Seg)."


def test_the_summary_reads_claimed_then_ours(one_seed, written):
    drive = written(one_seed)[1]
    text = summary({"drive": drive, "phantom": drive | {"claims": []}})
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:7]]
    columns = ["IterNet, claimed", "IterNet, ours", "95 % interval", "Verdict", "As the row implies", "Verdict there"]
    assert rows[0][2:] == [*columns, "UNet", "Second observer"]
    again = [".9000", "reproduced"]
    assert rows[2:] == [
        ["DRIVE", "AUC", ".9816", ".9000", ".8620 to .9380", *["not reproduced", ".9000"] * 2, "-"],
        ["DRIVE", "F1", ".8205", ".8000", ".7620 to .8380", "reproduced", ".7900", "reproduced", ".7000", ".7900"],
        ["DRIVE", "Connectivity", ".9193", ".5000", ".4620 to .5380", "not reproduced", *again, ".5000", ".5000"],
    ]
    columns = ["Cells", "Reproduced", "Not reproduced", "Not run", "Not comparable", "Reproduced as implied"]
    assert row(text, "Table")[1:] == columns
    # of IterNet patched and UNet's own row: F1 of the former, specificity and accuracy of both are within .038
    # 45 cells stand in rows that imply a size, and of IterNet patched connectivity is reproduced at the square
    assert row(text, "1, DRIVE") == ["1, DRIVE", "55", "5", "7", "40", "3", "6 of 45"]
    assert row(text, "all but quoted")[1:] == ["126", "5", "7", "114", "0", "6 of 30"]
    table = part(text, "Table 1: DRIVE")
    assert row(table, "IterNet", "patched")[2:5] == [
        "field of view",
        ".9193 -> .5000 no, .9000 yes",
        ".8205 -> .8000 yes, .7900 yes",
    ]
    assert row(table, "Deform-UNet")[4] == ".8190 -> not run"
    assert row(table, "R2UNet, quoted")[3:5] == ["", ".8171 -> not run"]
    assert row(table, "UNet, quoted")[2:5] == ["not said", "", ".8021 -> ?"]
    assert row(table, "Second observer, ours")[2:5] == ["field of view", ".5000", ".7900"]
    assert table.startswith("- 2 test images; [all of it](tables/drive.md).\n- Training: 6,200 steps")
    assert text.endswith("- Phantom: not in the paper; see [its table](tables/phantom.md).\n")
    modes = {mode: {"0": {"fov": {"auc": auc}}} for mode, auc in (("whole", 0.91), ("patched", 0.92))}
    claims = [cell | {"ours_mode": None} for cell in drive["claims"]]  # as where IterNet was not run
    assert row(summary({"drive": drive | {"unet": modes, "claims": claims}}), "DRIVE", "AUC")[-2] == ".9200"
    nothing = summary({})
    assert nothing.splitlines()[2] == "No data set of the paper has been run."
    assert "## Table 2: CHASE_DB1\n\nNot run: `dvc repro table@chase_db1`.\n\n| Method" in nothing
    assert nothing.count(" -> not run") == 151


def test_the_overview_draws_each_claim_beside_ours(one_seed, written):
    figure = overview_figure(claims_of({"drive": written(one_seed)[1]}))
    assert [axes.get_title() for axes in figure.axes] == ["DRIVE: AUC", "DRIVE: F1", "DRIVE: Connectivity"]
    axes = figure.axes[2]
    names = [label.get_text().replace("\n", "") for label in axes.get_xticklabels()]
    claimed, native, resized = (line.get_ydata().tolist() for line in axes.lines)
    assert dict(zip(names, claimed, strict=True)) == {
        "UNet": 0.7948,
        "DenseBlock-UNet": 0.8332,
        "Deform-UNet": 0.8314,
        "IterNet": 0.9193,
    }
    assert [native[0], native[3], resized[0], resized[3]] == [0.5, 0.5, 0.9, 0.9]
    assert all(math.isnan(value) for value in (*native[1:3], *resized[1:3]))
    assert overview_figure(claims_of({})).texts[0].get_text() == "no run of the paper's data sets"


def card_of(project, seed=2, **recipe):
    """The card of a UNet with other values in its recipe."""
    project.add("unet", seed=seed, f1=0.8, about={"recipe": RECIPE | recipe})
    return card(project.channels(), f"drive-unet-{seed}")


def test_a_card_tells_network_data_and_recipe(project):
    text = card_of(project, 2, validation=2)
    assert text.startswith("# drive-unet-2\n\nUNet, trained on DRIVE, seed 2. **Not a medical device.**")
    assert "- Network `iternet`; arguments: width 32.\n- 1,234,567 trainable parameters.\n" in text
    lines = part(text, "What it learned from").splitlines() + part(text, "How it was trained").splitlines()
    assert lines[0].startswith("DRIVE: Digital Retinal Images for Vessel Extraction")
    assert lines[4:8] == [
        "- Split (`data/splits/drive/drive.csv`): 3 images train, 2 test.",
        "- Trained on 21, 22, 23.",
        "- Tested on 01, 02.",
        "- Of the former, 22, 23 held out, to watch the training by.",
    ]
    assert lines[8:12] == [
        "- Training: 6,200 steps of 32 patches of 128 x 128 pixels, **a reduced budget**: 50 % of the pixels of the "
        "paper's 12,400 steps of 32 patches of 128 x 128.",
        "- Recipe `cpu`: Adam, learning rate 0.001, schedule constant, 0 steps of warm-up, weight decay 0.",
        "- Weights of the epoch of lowest training loss.",
        "- Augmentation: rotation 180 degrees (probability 0.5), no flips.",
    ]
    own = {"schedule": "cosine", "cycles": 20, "warmup": 10, "sgd": {"from_step": 151}, "keep": "last", "steps": 12400}
    text = card_of(project, 3, **own, augmentation={"flip_probability": 0.5})
    assert "schedule cosine in 20 cycles, 10 steps of warm-up, weight decay 0; SGD from step 151.\n" in text
    assert "- Weights of the last epoch.\n- Augmentation: flips (probability 0.5).\n" in text
    assert "no measure of what the method can do" not in text


def test_a_card_has_scores_use_limits_and_licence(project):
    text = card_of(project)
    scores, use = part(text, "How well it does"), part(text, "How to use it")
    assert row(scores, "F1") == ["F1", ".8000", ".7620 to .8380"]
    assert "- Mode patched: patches of 128 x 128 pixels at stride 64, overlaps averaged.\n" in scores
    assert "dvc pull train@drive-unet-2\nvesselbench segment photograph.jpg --weights drive-unet-2\n" in use
    code = use.split("```python\n")[1].split("```")[0]
    compile(code, "card", "exec")
    assert 'load("drive-unet-2")' in code
    assert "- Trained on a reduced budget, it is no measure of what the method can do.\n" in part(text, "Limits")
    assert "- Its owner's page: https://drive.grand-challenge.org/" in text


def test_docstrings_are_told_to_readers():
    sheet, page = data_sheet("chase_db1")
    assert list(sheet) == ["", "Photographs", "Labels", "FoV", "Archive", "Licence", "Traps"]
    assert sheet["Licence"] == "CC BY 4.0, as the owner's page says."
    assert "the first (`_1stHO`) is the usual truth" in sheet["Labels"]
    assert page.startswith("https://researchinnovation.kingston.ac.uk/")
    assert data_sheet("phantom")[1] == ""
    title, source = network_method("wnet").split("\n\n")
    assert title == "W-Net: two small UNets in a row, the second fed with the image and the first one's logits."
