"""The share of vessel that the paper's rows imply."""

import pytest

from vesselbench.reports.shares import implied_share, share_lines


def pixels(native, resized, masks=("fov", "frame")):
    counts = {"native": native, "resized": resized}
    truths = {truth: {"vessel": vessel, "background": 10_000 - vessel} for truth, vessel in counts.items()}
    return dict.fromkeys(masks, truths)


def row(lines, *words):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    return next(cells for cells in rows if tuple(cells[: len(words)]) == words)


def test_the_share_by_hand():
    # 10 vessel pixels of 100, 8 found; 81 of 90 left alone: accuracy .89
    low, high = implied_share(0.89, 0.8, 0.9, digits=4)
    assert low < 0.1 < high
    assert high - low == pytest.approx(2 * 1e-4 / 0.1, rel=0.02)  # half a unit of each, over .9 - .8


def test_a_row_is_possible_with_the_truth_whose_share_it_implies():
    # Table 1, IterNet whole: .9831 - .2040 v = .9574 for v = .1260; UNet: .9808 - .1986 v = .9555 for v = .1274
    lines = share_lines("drive", pixels(1273, 1260))
    assert row(lines, "IterNet", "whole")[2:] == ["field of view", ".1255 to .1265", ".1273", ".1260", "resized"]
    assert row(lines, "UNet")[-1] == "native"
    assert row(share_lines("drive", pixels(1500, 1400)), "UNet")[-1] == "neither"


def test_figures_printed_with_three_digits_are_judged_by_three():
    # Table 1, Iter-Seg: .978 - .239 v = .949 for v = .1213, give or take .0042
    lines = share_lines("drive", pixels(1250, 1260))
    assert row(lines, "Iter-Seg, quoted")[3:] == [".1172 to .1255", ".1250", ".1260", "native"]


def test_where_the_test_images_are_not_named_it_says_so():
    assert not any("does not name" in line for line in share_lines("drive", pixels(1273, 1260)))
    assert any("does not name" in line for line in share_lines("stare", pixels(852, 848)))


def test_a_data_set_without_claims_has_no_lines():
    assert share_lines("phantom", pixels(1273, 1260)) == []
