"""Claimed against ours, by hand: the interval of a score of ours reaches .038 to either side."""

import pytest

from vesselbench.reports.verdicts import verdicts


def find(cells, model, score, mask="fov", mode="patched"):
    found = [c for c in cells if (c.claim.model, c.score, c.claim.mask, c.mode) == (model, score, mask, mode)]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("f1", "verdict"),
    [
        (0.8205, "reproduced"),
        (0.79, "reproduced"),  # .8205 is below .79 + .038
        (0.78, "not reproduced"),  # and above .78 + .038
        (0.95, "reproduced"),  # above the claim altogether
    ],
)
def test_a_claim_is_reproduced_in_our_interval_or_below_us(new_run, f1, verdict):
    cell = find(verdicts("drive", {"iternet": {"patched": {0: new_run(f1)}}}), "iternet", "f1")
    assert (cell.claimed, cell.verdict) == (0.8205, verdict)


def test_several_seeds_stand_for_their_mean(two_seeds):
    ours = find(verdicts("drive", two_seeds), "unet", "f1").ours
    assert ours.value == pytest.approx(0.72)
    assert ours.spread == pytest.approx(0.04 / 2**0.5)
    assert ours.bounds == pytest.approx((0.682, 0.758))


def test_a_mode_that_was_not_run_is_not_judged(one_seed):
    cell = find(verdicts("drive", one_seed), "iternet", "auc", mode="whole")
    assert (cell.verdict, cell.ours) == ("not run", None)


def test_a_claim_without_a_mode_meets_the_patched_run_or_the_first(new_run):
    runs = {"whole": {0: new_run(0.7)}, "patched": {0: new_run(0.8)}}
    assert find(verdicts("stare", {"unet": runs}), "unet", "f1").ours.value == 0.8
    assert find(verdicts("stare", {"unet": {"once": runs["whole"]}}), "unet", "f1", mode="once").ours.value == 0.7


def test_each_mask_is_held_against_its_own_protocol(new_run):
    cells = verdicts("chase_db1", {"iternet": {"patched": {0: new_run(0.8)}}})
    assert find(cells, "iternet", "specificity", "fov").ours.value == 0.98
    assert find(cells, "iternet", "specificity", "frame").ours.value == 0.99


def test_figures_without_pixels_and_withheld_scores_are_not_comparable(new_run):
    cells = verdicts("drive", {"unet": {"patched": {0: new_run(0.8, binary=True)}}})
    assert find(cells, "unet", "f1", "unknown").verdict == "not comparable"
    assert find(cells, "unet", "auc").verdict == "not comparable"
    assert find(cells, "unet", "f1").verdict == "reproduced"


def test_without_results_every_cell_is_not_run():
    assert {cell.verdict for cell in verdicts("drive", {})} == {"not run"}


def test_a_cell_as_json_leaves_out_what_there_is_not(one_seed):
    cells = verdicts("drive", one_seed)
    assert find(cells, "unet", "connectivity").as_dict() == {
        "table": "table 1",
        "method": "unet",
        "mode": "",
        "how": "rerun",
        "mask": "fov",
        "score": "connectivity",
        "claimed": 0.7948,
        "verdict": "not reproduced",
        "ours": 0.5,
        "difference": -0.2948,
        "low": 0.462,
        "high": 0.538,
        "ours_mode": "patched",
        "protocol": "fov-pooled-native-fixed",
    }
    quoted = find(cells, "r2unet", "f1", mode="").as_dict()
    assert "ours" not in quoted
    assert quoted["how"] == "quoted"
