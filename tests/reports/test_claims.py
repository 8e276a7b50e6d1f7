"""The paper's figures, by data set and mask."""

import pytest

from vesselbench.reports.claims import paper_claims, read_reported


def find(dataset, mask, model, mode=""):
    found = [c for c in paper_claims(dataset) if (c.mask, c.model, c.mode) == (mask, model, mode)]
    assert len(found) == 1
    return found[0]


def test_table_1_inside_the_field_of_view():
    patched = find("drive", "fov", "iternet", "patched")
    assert patched.how == "own"
    assert patched.table == "table 1"
    assert patched.scores == {
        "connectivity": 0.9193,
        "f1": 0.8205,
        "sensitivity": 0.7735,
        "specificity": 0.9838,
        "accuracy": 0.9573,
        "auc": 0.9816,
    }
    assert find("drive", "fov", "iternet", "whole").scores["connectivity"] == 0.9001


@pytest.mark.parametrize(
    ("dataset", "mask", "model", "auc"),
    [
        ("chase_db1", "fov", "iternet", 0.9851),
        ("chase_db1", "frame", "iternet", 0.9899),
        ("stare", "fov", "unet", 0.971),
        ("stare", "frame", "denseblock_unet", 0.9801),
    ],
)
def test_tables_2_and_3_under_both_masks(dataset, mask, model, auc):
    assert find(dataset, mask, model).scores["auc"] == auc


def test_rerun_and_quoted_rows_are_told_apart():
    how = {(claim.model, claim.how) for claim in paper_claims("drive")}
    assert {("unet", "rerun"), ("deform_unet", "rerun"), ("r2unet", "quoted"), ("iter_seg", "quoted")} <= how


def test_figures_quoted_without_a_mask_stand_apart():
    assert find("drive", "fov", "unet").scores["f1"] == 0.8174
    quoted = find("drive", "unknown", "unet")
    assert (quoted.how, quoted.scores["f1"]) == ("quoted", 0.8021)


def test_only_the_three_tables_count():
    assert all(claim.model != "iternet_n2" for claim in paper_claims("drive"))
    assert find("drive", "fov", "iternet", "patched").scores["auc"] == 0.9816  # not the notebook's .98157


def test_every_cell_is_there():
    cells = {name: sum(len(claim.scores) for claim in paper_claims(name)) for name in ("drive", "chase_db1", "stare")}
    assert cells == {"drive": 55, "chase_db1": 48, "stare": 48}


def test_what_the_paper_does_not_print_is_not_claimed():
    assert paper_claims("phantom") == []
    assert all(claim.mask != "frame" for claim in paper_claims("drive"))


def test_the_file_is_complete():
    table = read_reported()
    assert [*table] == ["source", "table", "dataset", "fov", "method", "year", "how", "metric", "value"]
    assert len(table) == 230
    assert table["value"].between(0, 1).all()
