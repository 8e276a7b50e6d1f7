"""The tables for dvc and for people."""

import json

from vesselbench.reports.collect import read_results
from vesselbench.reports.notes import budget_note, prediction_note
from vesselbench.reports.tables import markdown, metrics, write_tables

BOTH = ["iternet", "unet"]


def row(text, *words):
    """Cells of the first row of the table that begins with these words."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return next(cells for cells in rows if tuple(cells[: len(words)]) == words)


def test_metrics_are_nested_numbers(scores_folder, second_observer):
    nested = metrics(read_results(scores_folder, BOTH, [0, 1], ["patched"]), second_observer)
    assert [*nested] == ["iternet", "unet", "second_observer"]
    assert nested["unet"]["patched"]["1"]["fov"]["f1"] == 0.74
    assert nested["unet"]["patched"]["1"]["frame"]["specificity"] == 0.99
    assert nested["second_observer"]["fov"]["f1"] == 0.79


def test_withheld_scores_are_left_out_for_dvc(scores_folder, second_observer):
    nested = metrics(read_results(scores_folder, BOTH, [0], ["patched"]), second_observer)
    assert "auc" in nested["iternet"]["patched"]["0"]["fov"]
    assert "auc" not in nested["second_observer"]["fov"]
    assert "null" not in json.dumps(nested)


def test_metrics_are_rounded_to_six_digits(scores_folder):
    results = read_results(scores_folder, ["unet"], [0], ["patched"])
    results["unet"]["patched"][0]["pooled"]["fov"]["auc"] = 0.12345678
    assert metrics(results, None)["unet"]["patched"]["0"]["fov"]["auc"] == 0.123457
    assert [*metrics(results, None)] == ["unet"]


def test_ours_stands_above_the_claim(scores_folder, second_observer):
    text = markdown("drive", read_results(scores_folder, BOTH, [0], ["patched"]), second_observer)
    columns = ["Connectivity", "F1", "Sensitivity", "Specificity", "Accuracy", "AUC"]
    assert row(text, "Method") == ["Method", "Mode", "Source", *columns]
    assert row(text, "IterNet", "patched", "ours")[3:] == [
        "0.5000",
        "0.8000",
        "0.7000",
        "0.9800",
        "0.9500",
        "0.9000",
    ]
    assert row(text, "IterNet", "patched", "paper, own")[3:5] == ["0.9193", "0.8205"]
    assert row(text, "UNet", "", "paper, rerun")[4] == "0.8174"
    assert row(text, "Iter-Seg", "", "paper, quoted")[3:6] == ["-", "-", "0.7390"]
    assert row(text, "Second observer", "", "labels")[-1] == "-"


def test_the_whole_frame_has_its_own_table_and_the_paper_none_for_drive(scores_folder, second_observer):
    text = markdown("drive", read_results(scores_folder, BOTH, [0], ["patched"]), second_observer)
    frame = text.split("## Whole frame, without the mask")[1]
    assert row(frame, "UNet", "patched", "ours")[6] == "0.9900"
    assert "paper, " not in frame.split("- Protocol")[0]
    assert "- The paper prints no whole-frame scores for this data set." in frame


def test_several_seeds_give_mean_and_spread(scores_folder):
    text = markdown("drive", read_results(scores_folder, BOTH, [0, 1], ["patched"]), None)
    assert row(text, "UNet", "patched", "ours, 2 seeds")[4] == "0.7200 ± 0.0283"  # |.74 - .70| / sqrt 2
    assert "- ± is the sample standard deviation over seeds." in text


def test_a_data_set_without_claims_has_ours_alone(scores_folder):
    text = markdown("phantom", read_results(scores_folder, BOTH, [0], ["patched"]), None)
    assert text.startswith("# Phantom\n")
    assert "paper, own" not in text
    assert "- Paper:" not in text
    assert "±" not in text


def test_the_protocol_and_the_notes_stand_below(scores_folder, second_observer):
    results = read_results(scores_folder, BOTH, [0], ["patched"])
    text = markdown("phantom", results, second_observer, ["Patches at stride 16."])
    assert text.endswith(
        "- Protocol: pixels of all 2 test images pooled; vessel where p >= 0.5 (16-bit level >= 32768); "
        "truth: first observer, native size.\n"
        "- Connectivity (paper, Eq. 3): mean over images, whole frame.\n"
        "- The second observer has no AUC: one operating point.\n"
        "- Patches at stride 16.\n"
    )


def test_every_line_of_a_table_is_of_one_width(scores_folder, second_observer):
    text = markdown("drive", read_results(scores_folder, BOTH, [0, 1], ["patched"]), second_observer)
    for part in text.split("## ")[1:]:
        assert len({len(line) for line in part.splitlines() if line[:1] == "|"}) == 1


def test_both_files_are_written(scores_folder, tmp_path):
    results = read_results(scores_folder, BOTH, [0], ["patched"])
    text = write_tables(tmp_path / "tables", "drive", results, None)
    assert (tmp_path / "tables" / "drive.md").read_text() == text
    assert json.loads((tmp_path / "tables" / "drive.json").read_text()) == metrics(results, None)


def test_a_reduced_budget_is_called_so():
    assert budget_note("drive", 1240, 32, 64) == (
        "Training: 1,240 steps of 32 patches of 64 x 64 pixels, **a reduced budget**: 2.5 % of the pixels of "
        "the paper's 12,400 steps of 32 patches of 128 x 128."
    )


def test_the_full_schedule_is_called_so():
    assert budget_note("stare", 10000, 32, 128) == (
        "Training: 10,000 steps of 32 patches of 128 x 128 pixels, no fewer pixels than "
        "the paper's 10,000 steps of 32 patches of 128 x 128."
    )
    assert budget_note("phantom", 500, 8, 64) == "Training: 500 steps of 8 patches of 64 x 64 pixels."


def test_how_the_maps_came_about():
    stored = {"batch": 32, "hardware": {"accelerator": "cpu", "precision": "32-true"}, "patch": 128, "stride": 3}
    assert prediction_note("patched", mode="patched", **stored) == (
        "Mode patched: patches of 128 x 128 pixels at stride 3, overlaps averaged; precision 32-true."
    )
    assert prediction_note("once", mode="whole", **stored) == ("Mode once: each image in one pass; precision 32-true.")
