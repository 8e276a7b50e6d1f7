"""The tables for dvc and for people."""

import json

import pytest

from vesselbench.reports.tables import metrics, write_tables

BUDGET = ["Training: 5 steps, **a reduced budget**."]


def row(text, *words):
    """Cells of the first row of the table that begins with these words."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return next(cells for cells in rows if tuple(cells[: len(words)]) == words)


@pytest.fixture
def text(tmp_path, one_seed, second_observer, sensitivity):
    """The Markdown of drive with one seed."""
    return write_tables(
        tmp_path / "tables", "drive", one_seed, second_observer, sensitivity, BUDGET, ["Patches at stride 16."]
    )


def part(text, heading):
    return text.split(f"## {heading}\n\n")[1].split("\n## ")[0]


def test_metrics_are_nested_numbers(two_seeds, second_observer):
    nested = metrics(two_seeds, second_observer)
    assert [*nested] == ["iternet", "unet", "second_observer", "images"]
    assert nested["unet"]["patched"]["1"]["fov"]["f1"] == 0.74
    assert nested["unet"]["patched"]["1"]["frame"]["specificity"] == 0.99
    assert nested["second_observer"]["fov"]["f1"] == 0.79
    assert nested["images"] == 2


def test_withheld_scores_are_left_out_for_dvc(one_seed, second_observer):
    nested = metrics(one_seed, second_observer)
    assert "auc" in nested["iternet"]["patched"]["0"]["fov"]
    assert "auc" not in nested["second_observer"]["fov"]
    assert [*metrics(one_seed, None)] == ["iternet", "unet", "images"]


def test_metrics_are_rounded_to_six_digits(new_run):
    results = {"unet": {"patched": {0: new_run(0.7, auc=0.12345678)}}}
    assert metrics(results, None)["unet"]["patched"]["0"]["fov"]["auc"] == 0.123457


def test_the_json_holds_the_lists_an_item_a_line_and_no_null(text, tmp_path, one_seed, second_observer):
    written = (tmp_path / "tables" / "drive.json").read_text()
    content = json.loads(written)
    assert {key: content[key] for key in metrics(one_seed, second_observer)} == metrics(one_seed, second_observer)
    assert [*content][-4:] == ["claims", "comparisons", "protocols", "budget"]
    assert content["budget"] == BUDGET
    assert len(content["claims"]) == 55
    assert len(content["comparisons"]) == 3
    assert len(content["protocols"]) == 2 * 16
    assert content["protocols"][1]["protocol"] == "fov-pooled-native-training"
    assert content["protocols"][1]["scores"]["f1"] == {"value": 0.82, "low": 0.782, "high": 0.858}
    assert "null" not in written
    assert sum(line.startswith('    {"table"') for line in written.splitlines()) == 55


def test_our_rows_have_their_interval_below(text):
    ours = part(text, "Inside the field of view")
    columns = ["Connectivity", "F1", "Sensitivity", "Specificity", "Accuracy", "AUC"]
    assert row(ours, "Method") == ["Method", "Mode", "Source", *columns]
    assert row(ours, "IterNet", "patched", "ours")[3:6] == ["0.5000", "0.8000", "0.7000"]
    assert row(ours, "95 % interval")[1:6] == ["", "", ".4620 to .5380", ".7620 to .8380", ".6620 to .7380"]
    assert row(ours, "Second observer", "", "labels")[-1] == "-"
    assert ours.rstrip("\n").splitlines()[-1].startswith("| 95 % interval")
    assert "paper" not in ours


def test_the_whole_frame_has_its_own_table(text):
    assert row(part(text, "Whole frame, without the mask"), "UNet", "patched", "ours")[6] == "0.9900"


def test_more_scores_with_counts_to_one_digit(text):
    more = part(text, "More scores")
    assert row(more, "Method")[3:6] == ["clDice", "Betti-0 error", "Betti-1 error"]
    assert row(more, "UNet", "patched")[3:6] == ["0.6000", "12.2", "3.0"]


def test_several_seeds_give_mean_and_spread(tmp_path, two_seeds, sensitivity):
    text = write_tables(tmp_path, "drive", two_seeds, None, sensitivity, [])
    assert row(text, "UNet", "patched", "ours, 2 seeds")[4] == "0.7200 ± 0.0283"  # |.74 - .70| / sqrt 2
    assert "- ± is the sample standard deviation over seeds." in text


def test_differences_are_marked(text):
    differences = part(text, "Differences between models")
    assert row(differences, "F1", "patched") == [
        *["F1", "patched", "IterNet", "UNet", "+.1000", "+.1000 to +.1000", ".5000", "not supported"]
    ]
    assert row(differences, "AUC", "patched")[4:] == ["+.0000", "+.0000 to +.0000", "-", "not supported"]
    assert "with 2 test images Wilcoxon's p is at least .5000" in differences


def test_claims_stand_beside_ours_below_the_budget(text):
    claimed = part(text, "Claimed by the paper, and ours")
    assert claimed.startswith(
        f'- {BUDGET[0]}\n- So a verdict here is one on this budget: "not reproduced" does not refute'
    )
    assert row(claimed, "1", "IterNet", "patched", "field of view", "F1")[5:] == [
        *["0.8205", "0.8000", "-.0205", ".7620 to .8380", "reproduced"]
    ]
    assert row(claimed, "1", "UNet", "(patched)")[4:] == [
        *["Connectivity", "0.7948", "0.5000", "-.2948", ".4620 to .5380", "not reproduced"]
    ]
    assert row(claimed, "1", "Iter-Seg, quoted")[5:] == ["0.7390", "-", "-", "-", "not run"]
    assert row(claimed, "1", "UNet, quoted")[3] == "not said"
    assert "F1 -.0100" in claimed  # of the resize round trip


def test_the_same_maps_under_every_protocol(text):
    protocols = part(text, "The same maps under every protocol")
    assert protocols.startswith("IterNet, mode patched.\n")
    assert len([line for line in protocols.splitlines() if line[:1] == "|"]) == 2 + 16
    assert row(protocols, "whole frame", "mean", "resized", "training")[5] == "0.8100"  # .80 - .01 + .02


def test_connectivity_under_other_readings(text):
    readings = part(text, "Connectivity under other readings")
    assert row(readings, "Neighbours") == ["Neighbours", "Levels", "Smallest segment", "Skeleton", "IterNet", "UNet"]
    assert row(readings, "8", "256", "any") == ["8", "256", "any", "zhang (ours)", "0.5000", "0.5000"]
    assert row(readings, "8", "256", "10 pixels") == ["8", "256", "10 pixels", "zhang", "0.9000", "0.9000"]
    assert row(readings, "4", "101")[4] == "0.3000"


def test_a_data_set_without_claims_has_ours_alone(tmp_path, one_seed, sensitivity):
    text = write_tables(tmp_path, "phantom", one_seed, None, sensitivity, ["Training: 5 steps."], ["At stride 16."])
    assert text.startswith("# Phantom\n")
    assert "Claimed" not in text
    assert "±" not in text
    assert text.endswith("- Training: 5 steps.\n- At stride 16.\n")
    assert json.loads((tmp_path / "phantom.json").read_text())["claims"] == []


def test_one_model_has_no_table_of_differences(tmp_path, one_seed, sensitivity):
    text = write_tables(tmp_path, "drive", {"unet": one_seed["unet"]}, None, sensitivity, [])
    assert "| First" not in text
    assert part(text, "Differences between models").startswith("- **Too few images")


def test_every_line_of_a_table_is_of_one_width(text):
    for section in text.split("## ")[1:]:
        assert len({len(line) for line in section.splitlines() if line[:1] == "|"}) <= 1
