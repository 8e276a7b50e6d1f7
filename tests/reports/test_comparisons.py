"""Which differences the test images support, and folds put together, by hand."""

import math

import pytest

from vesselbench.reports.comparisons import compare_readings, comparisons, folded, noise_floor, seed_spread


def six(step):
    """Six images, each scoring ``step`` less than the one before."""
    return {str(at): -step * at for at in range(6)}


def test_every_pair_in_every_mode_by_three_scores(project):
    project.add("iternet", modes=["whole", "patched"]).add("unet", modes=["whole", "patched"]).add("other")
    pairs = comparisons(project.results())
    names = pairs["mode"] + " " + pairs["first"] + " " + pairs["second"]
    expected = ["whole iternet unet", "patched iternet unet", "patched iternet other", "patched unet other"]
    assert list(names[:4]) == expected
    assert list(pairs["score"][::4]) == ["auc", "f1", "connectivity"]
    pairs = comparisons(project.add("fourth").add("fifth").results())
    assert set(pairs["first"]) == {"iternet"}, "of more than four the first meets each other"


def test_six_images_that_all_say_the_same_support_a_difference(project):
    project.add("iternet", f1=0.8, images=six(0.0)).add("unet", f1=0.7, images=six(0.01))
    pair = comparisons(project.results()).query("score == 'f1'").iloc[0]
    assert pair[["difference", "low", "high", "p_value"]].tolist() == pytest.approx([0.1, 0.1, 0.1, 2 / 2**6])
    assert pair["supported"]
    assert pair["protocol"] == "fov-pooled-native-fixed"


def test_two_images_support_none_and_equal_models_have_no_p_value(one_seed):
    pairs = comparisons(one_seed.results()).set_index("score")
    assert pairs.loc["f1", "p_value"] == pytest.approx(0.5)
    assert not pairs["supported"].any()
    assert math.isnan(pairs.loc["auc", "p_value"])
    assert pairs.loc["auc", "difference"] == 0
    withheld = comparisons(one_seed.add("unet", seed=1, binary=True).results())
    assert set(withheld["score"]) == {"f1", "connectivity"}


def test_the_noise_floor_is_half_the_widest_paired_interval(one_seed):
    results = one_seed.results()
    draws = results.maps["draws"].iloc[1]
    draws["fov-pooled-native-fixed/auc"] = draws["fov-pooled-native-fixed/auc"][::-1]  # the gap is now -.08 to +.08
    assert noise_floor(comparisons(results)) == pytest.approx({"auc": 0.076, "f1": 0, "connectivity": 0})


def test_seeds_are_averaged_and_their_spread_is_that_of_the_worst_model(two_seeds):
    results = two_seeds.results()
    spread = seed_spread(results.averages)
    assert spread == pytest.approx({"auc": 0, "f1": 0.04 / 2**0.5, "connectivity": 0})
    assert comparisons(results).set_index("score").loc["f1", "difference"] == pytest.approx(0.81 - 0.72)
    assert seed_spread(results.keep(results.maps["seed"] == 0).averages) == {}


def fold(project, number, **f1):
    """A fold whose images score as given."""
    first = next(iter(f1.values()))
    images = {name: value - first for name, value in f1.items()}
    return project.add(f"unet_fold{number}", model="unet", split=f"fold{number}", f1=first, images=images)


def test_folds_by_hand(project):
    fold(fold(fold(project, 0, a=0.7, b=0.8), 1, c=0.9, d=0.9), 2, e=0.6, f=0.6)
    own = folded(project.results()).set_index("score").loc["f1"]
    assert own[["model", "recipe", "seed", "mode"]].tolist() == ["unet", "cpu", 0, "patched"]
    assert own["mean"] == pytest.approx(0.75)  # of six images
    assert 0.6 < own["low"] < 0.75 < own["high"] < 0.9
    assert own["spread"] == pytest.approx(0.15)  # of .75, .90, .60
    assert own[["folds", "images", "splits"]].tolist() == [3, 6, ["fold0", "fold1", "fold2"]]


def test_the_data_sets_own_split_is_no_fold_where_it_overlaps_and_undefined_scores_stay_so(project):
    project.add("unet", images={"a": 0.0, "d": 0.0})
    fold(fold(project, 0, a=0.7, b=math.nan), 1, c=0.9, d=0.9)
    own = folded(project.results()).set_index("score").loc["f1"]
    assert own["splits"] == ["fold0", "fold1"]
    assert own[["mean", "low", "high", "spread"]].isna().all()


def test_what_stands_alone_overlaps_or_has_another_recipe_is_no_fold(project):
    assert folded(fold(project, 0, a=0.7, b=0.8).results()).empty
    project.add("unet_paper", model="unet", split="other", recipe="paper", images={"e": 0.0})
    assert folded(project.results()).empty
    assert folded(fold(fold(project, 1, c=0.7), 2, a=0.7, c=0.1).results()).empty


def test_connectivity_of_two_labels_at_each_size_of_all_segments_and_of_larger_ones(project):
    project.add("unet", connectivity=0.5).add("iternet", connectivity=0.6).add("iternet", seed=1, connectivity=0.58)
    found = compare_readings(project.results(), "patched", "iternet", "unet")
    assert found[["size", "smallest"]].to_numpy().tolist() == [["native", 1], ["native", 10], ["square", 1]]
    assert found[["iternet", "unet"]].round(9).to_numpy().tolist() == [[0.59, 0.5], [0.99, 0.9], [0.19, 0.1]]
    assert found[["difference", "low", "high"]].round(9).to_numpy().tolist() == [[0.09] * 3] * 3, "of one image"
    assert not found["supported"].any()
    assert compare_readings(project.results(), "patched", "iternet", "wnet").empty
