"""All tables of the paper on one page, and the stage that writes it."""

import json

import pytest

from vesselbench.config import UserError
from vesselbench.reports.summary import summary
from vesselbench.reports.tables import write_tables
from vesselbench.stages.summary import main

BUDGET = ["Training: 5 steps, **a reduced budget**."]


def row(text, *words):
    """Cells of the first row of the table that begins with these words."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return next(cells for cells in rows if tuple(cells[: len(words)]) == words)


@pytest.fixture
def project(tmp_path, monkeypatch, one_seed, second_observer, sensitivity):
    """A folder with the tables of drive and phantom, of the three data sets that are asked for."""
    (tmp_path / "params.yaml").write_text("run: {datasets: [drive, stare, phantom]}\n")
    for dataset in ("drive", "phantom"):
        write_tables(tmp_path / "metrics/tables", dataset, one_seed, second_observer, sensitivity, BUDGET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_cells_read_claimed_then_ours(project):
    main()
    text = (project / "metrics/summary.md").read_text()
    assert row(text, "IterNet", "patched")[2:5] == [
        *["field of view", ".9193 -> .5000 no", ".8205 -> .8000 yes"],
    ]
    assert row(text, "Deform-UNet")[4] == ".8190 -> not run"
    assert row(text, "R2UNet, quoted")[3:5] == ["", ".8171 -> not run"]
    assert row(text, "UNet, quoted")[2:5] == ["not said", "", ".8021 -> ?"]
    assert row(text, "Second observer, ours")[2:5] == ["field of view", ".5000", ".7900"]
    assert f"## Table 1: DRIVE\n\n- 2 test images; [all of it](tables/drive.md).\n- {BUDGET[0]}\n" in text
    assert text.endswith("- Phantom: not in the paper; see [its table](tables/phantom.md).\n")


def test_the_main_scores_stand_first(project):
    main()
    text = (project / "metrics/summary.md").read_text()
    lines = text.splitlines()[2:7]
    heading, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert heading[:6] == ["Data set", "Score", "IterNet, claimed", "IterNet, ours", "95 % interval", "Verdict"]
    assert heading[6:] == ["UNet", "Second observer"]
    assert rows == [
        ["DRIVE", "AUC", ".9816", ".9000", ".8620 to .9380", "not reproduced", ".9000", "-"],
        ["DRIVE", "F1", ".8205", ".8000", ".7620 to .8380", "reproduced", ".7000", ".7900"],
        ["DRIVE", "Connectivity", ".9193", ".5000", ".4620 to .5380", "not reproduced", ".5000", ".5000"],
    ]


def test_verdicts_are_counted(project):
    main()
    text = (project / "metrics/summary.md").read_text()
    assert row(text, "Table")[1:] == ["Cells", "Reproduced", "Not reproduced", "Not run", "Not comparable"]
    # of IterNet patched and UNet's own row: F1 of the former, specificity and accuracy of both are within .038
    assert row(text, "1, DRIVE") == ["1, DRIVE", "55", "5", "7", "40", "3"]
    assert row(text, "3, STARE") == ["3, STARE", "48", "0", "0", "48", "0"]
    assert row(text, "all but quoted")[1:] == ["126", "5", "7", "114", "0"]


def test_without_results_every_cell_is_not_run():
    text = summary({})
    assert text.splitlines()[2] == "No data set of the paper has been run."
    assert row(text, "all") == ["all", "151", "0", "0", "151", "0"]
    assert "## Table 2: CHASE_DB1\n\nNot run: `dvc repro table@chase_db1`.\n\n| Method" in text
    assert text.count(" -> not run") == 151


def test_the_stage_works_where_nothing_was_run(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text("run: {datasets: [drive]}\n")
    monkeypatch.chdir(tmp_path)
    main()
    assert (tmp_path / "metrics/summary.md").read_text() == summary({})


def test_a_table_of_older_code_is_refused(project):
    (project / "metrics/tables/stare.json").write_text(json.dumps({"unet": {}}))
    with pytest.raises(UserError) as error:
        main()
    assert str(error.value) == (
        "metrics/tables/stare.json: has no claims; it was made by older code; run 'dvc repro table@stare'"
    )
