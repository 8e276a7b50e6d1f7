"""Which differences the test images support."""

import pytest

from vesselbench.reports.comparisons import comparisons, noise_floor

AUC = "fov-pooled-native-fixed/auc"


def six(new_run, f1, step):
    """Six images, each scoring ``step`` less than the one before."""
    return {"patched": {0: new_run(f1, {str(at): -step * at for at in range(6)})}}


def test_every_pair_in_every_mode_by_three_scores(new_run):
    runs = {"whole": {0: new_run(0.8)}, "patched": {0: new_run(0.8)}}
    pairs = comparisons({"iternet": runs, "unet": runs, "other": {"patched": runs["patched"]}})
    names = [(pair.score, pair.mode, pair.first, pair.second) for pair in pairs]
    assert names[:4] == [
        ("auc", "whole", "iternet", "unet"),
        ("auc", "patched", "iternet", "unet"),
        ("auc", "patched", "iternet", "other"),
        ("auc", "patched", "unet", "other"),
    ]
    assert [score for score, *_ in names[::4]] == ["auc", "f1", "connectivity"]


def test_six_images_that_all_say_the_same_support_a_difference(new_run):
    results = {"iternet": six(new_run, 0.8, 0.0), "unet": six(new_run, 0.7, 0.01)}
    pair = next(pair for pair in comparisons(results) if pair.score == "f1")
    assert pair.found.difference == pytest.approx(0.1)
    assert pair.found.p_value == pytest.approx(2 / 2**6)
    assert pair.found.supported
    assert pair.as_dict() == {
        "score": "f1",
        "mode": "patched",
        "first": "iternet",
        "second": "unet",
        "difference": 0.1,
        "low": 0.1,
        "high": 0.1,
        "p_value": 0.03125,
        "supported": True,
        "protocol": "fov-pooled-native-fixed",
    }


def test_two_images_support_none(one_seed):
    pair = next(pair for pair in comparisons(one_seed) if pair.score == "f1")
    assert pair.found.p_value == pytest.approx(0.5)
    assert not pair.found.supported


def test_equal_models_have_no_p_value(one_seed):
    known = next(pair for pair in comparisons(one_seed) if pair.score == "auc").as_dict()
    assert "p_value" not in known
    assert (known["difference"], known["supported"]) == (0, False)


def test_seeds_are_averaged_before_models_are_compared(two_seeds):
    pair = next(pair for pair in comparisons(two_seeds) if pair.score == "f1")
    assert pair.found.difference == pytest.approx(0.81 - 0.72)


def test_a_withheld_score_is_not_compared(new_run):
    runs = {"patched": {0: new_run(0.8, binary=True)}}
    assert {pair.score for pair in comparisons({"iternet": runs, "unet": runs})} == {"f1", "connectivity"}


def test_the_noise_floor_is_half_the_widest_paired_interval(new_run):
    results = {"iternet": six(new_run, 0.8, 0.0), "unet": six(new_run, 0.7, 0.01)}
    draws = results["unet"]["patched"][0].draws
    draws[AUC] = draws[AUC][::-1]  # now the gap of the two runs from -.08 to +.08
    assert noise_floor(results, comparisons(results), 6) == [
        "Noise floor: on these 6 images no difference below .0760 in AUC, .0000 in F1, .0000 in connectivity is "
        "resolved (half the widest 95 % interval of a paired difference; a pair that errs on the same pixels "
        "does better).",
        "One seed: the spread over seeds is unknown; the intervals hold what other images would change, no more.",
    ]


def test_too_few_images_are_called_so(one_seed):
    assert noise_floor(one_seed, comparisons(one_seed), 5)[1] == (
        "**Too few images: with 5 test images Wilcoxon's p is at least .0625, so no difference can be "
        "called supported.**"
    )


def test_the_spread_over_seeds_is_that_of_the_worst_model(two_seeds):
    assert noise_floor(two_seeds, [], 6) == [
        "Spread over 2 seeds, sample standard deviation of the model where it is largest: .0000 in AUC, .0283 in F1, "
        ".0000 in connectivity; the intervals, of the mean over seeds, do not hold it."
    ]
