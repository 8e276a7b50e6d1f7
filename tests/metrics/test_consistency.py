"""The gates, each violated on purpose, and figures of others that can or cannot be."""

from dataclasses import replace

import numpy as np
import pytest
from random_maps import random_map

from vesselbench.config import UserError
from vesselbench.metrics.consistency import area_of_chance, check_record, check_scores, jointly_possible, sizes
from vesselbench.metrics.counts import accuracy, count, sensitivity, specificity
from vesselbench.metrics.curves import auc, histogram
from vesselbench.metrics.protocol import Protocol
from vesselbench.metrics.record import score_image
from vesselbench.metrics.scores import draw_scores, image_table

THRESHOLDS = {"fixed": 32768, "training": 20000}
SHAPE = (90, 80)


def looked_at(seed, shape=SHAPE):
    truth, levels, fov = random_map(seed, 65536, shape)
    return score_image(f"{seed:02}", truth, levels, fov, THRESHOLDS), truth, fov


@pytest.fixture(scope="module")
def records():
    return [looked_at(seed)[0] for seed in range(3)]


def scored(records):
    images = image_table(records, THRESHOLDS, 0.05)
    draws = draw_scores(records, THRESHOLDS, images, np.ones((1, len(records))))
    return {protocol: {name: draw[0] for name, draw in own.items()} for protocol, own in draws.items()}


def refusal(call, *arguments):
    with pytest.raises(UserError) as error:
        call(*arguments)
    before, after = "inconsistent scores, nothing was written: ", "; this is a mistake of the program"
    assert str(error.value).startswith(before)
    assert str(error.value).endswith(after)
    return str(error.value).removeprefix(before).removesuffix(after)


@pytest.mark.parametrize("shape", [SHAPE, (20, 20), (3, 4), (2, 2), (1, 1)])
@pytest.mark.parametrize("seed", range(4))
def test_good_images_pass(seed, shape):
    record, truth, fov = looked_at(seed, shape)
    check_record(record, truth, fov)
    check_scores([record], THRESHOLDS, scored([record]))


def test_good_scores_of_several_images_pass(records):
    check_scores(records, THRESHOLDS, scored(records))


def test_a_map_that_knows_nothing_or_everything_passes():
    truth, _, fov = random_map(0, 65536, SHAPE)
    for levels in (np.zeros(SHAPE, np.uint16), truth * np.uint16(65535)):
        record = score_image("01", truth, levels, fov, THRESHOLDS)
        check_record(record, truth, fov)
        check_scores([record], THRESHOLDS, scored([record]))


def test_a_resampled_truth_is_refused():
    record, truth, fov = looked_at(0)
    resampled = replace(record, histograms=record.histograms | {("fov", "native"): record.histograms["fov", "resized"]})
    vessel, background = sizes(record.histograms["fov", "native"])
    changed = sizes(record.histograms["fov", "resized"])
    assert refusal(check_record, resampled, truth, fov) == (
        f"00: the truth has {vessel} vessel and {background} background pixels under mask fov, but {changed[0]} and "
        f"{changed[1]} were scored: it was resampled, or the masks are mixed up"
    )


def test_mixed_masks_are_refused():
    record, truth, fov = looked_at(0)
    mixed = {
        (mask, name): record.histograms[{"fov": "frame", "frame": "fov"}[mask], name]
        for mask, name in record.histograms
    }
    inside, whole = (sizes(record.histograms[mask, "native"]) for mask in ("fov", "frame"))
    assert refusal(check_record, replace(record, histograms=mixed), truth, fov) == (
        f"00: the truth has {inside[0]} vessel and {inside[1]} background pixels under mask fov, but {whole[0]} and "
        f"{whole[1]} were scored: it was resampled, or the masks are mixed up"
    )
    assert "under mask fov" in refusal(check_record, record, truth, ~fov)


@pytest.mark.parametrize("name", ["native", "resized"])
def test_a_frame_that_is_more_than_its_parts_is_refused(name):
    record, truth, fov = looked_at(0)
    twice = replace(record, outside=record.outside | {name: record.histograms["frame", name]})
    assert refusal(check_record, twice, truth, fov) == (
        f"00: the whole frame is not the field of view plus what lies outside (truth: {name})"
    )


@pytest.mark.parametrize("mask", ["fov", "frame"])
@pytest.mark.parametrize("name", ["accuracy", "sensitivity", "specificity"])
def test_three_scores_not_of_one_matrix_are_refused(records, mask, name):
    scores = scored(records)
    wrong = Protocol(mask, threshold="training")
    scores[wrong] = scores[wrong] | {name: scores[wrong][name] - 0.002}
    three = (float(scores[wrong][score]) for score in ("accuracy", "sensitivity", "specificity"))
    assert refusal(check_scores, records, THRESHOLDS, scores) == (
        "accuracy {}, sensitivity {} and specificity {} are not of one confusion matrix ({})".format(*three, wrong)
    )


def test_an_f1_of_the_frame_that_is_not_that_of_its_parts_is_refused(records):
    scores = scored(records)
    inside, frame = scores[Protocol("fov", truth="resized")], Protocol("frame", truth="resized")
    right = scores[frame]["f1"]
    scores[frame] = scores[frame] | {"f1": right + 1e-6}
    assert refusal(check_scores, records, THRESHOLDS, scores) == (
        f"F1 of the whole frame is {right + 1e-6}, but the field of view ({inside['f1']}) and the pixels outside "
        f"together give {right} (truth resized, threshold fixed)"
    )


def test_an_auc_of_sorted_labels_and_sorted_predictions_is_refused(records):
    """The mistake of a published script: it sorts the two each by itself, so that any map whatever comes out well."""
    truth, levels, fov = random_map(0, 65536, SHAPE)
    shuffled = np.random.default_rng(0).permutation(levels[fov])
    labels, values = np.sort(truth[fov])[None], np.sort(shuffled)[None]
    sorted_apart = replace(records[0], permuted=histogram(labels, values, np.ones(labels.shape, bool)))
    area, deviation = area_of_chance([sorted_apart.permuted])
    most = 5 * deviation
    assert area == pytest.approx(auc(sorted_apart.permuted), abs=1e-12)
    assert area > 0.9
    assert refusal(check_scores, [sorted_apart], THRESHOLDS, scored([sorted_apart])) == (
        "permutation control: after the maps' pixels were permuted inside the field of view their AUC is "
        f"{area:.4f}, not 0.5 within {most:.4f}"
    )


def test_maps_that_were_not_permuted_are_refused(records):
    same = [replace(record, permuted=record.histograms["fov", "native"]) for record in records]
    assert refusal(check_scores, same, THRESHOLDS, scored(same)).startswith("permutation control: ")


def test_the_permutation_is_of_the_pixels_inside_the_field_of_view(records):
    for record in records:
        inside = record.histograms["fov", "native"]
        assert sizes(record.permuted) == sizes(inside)
        both = [pixels.positives + pixels.negatives for pixels in (record.permuted, inside)]
        np.testing.assert_array_equal(*both)


def test_chance_spreads_as_the_formula_says():
    generator = np.random.default_rng(0)
    truth = np.arange(60)[None] < 12
    all_of_it = np.ones(truth.shape, bool)
    areas = [auc(histogram(truth, generator.permutation(60).astype(np.uint16)[None], all_of_it)) for _ in range(500)]
    expected = area_of_chance([histogram(truth, np.zeros(truth.shape, np.uint16), all_of_it)])[1]
    assert expected == pytest.approx((61 / (12 * 12 * 48)) ** 0.5)
    assert np.std(areas) == pytest.approx(expected, rel=0.15)  # 500 draws: 3 % standard error
    assert np.isnan(area_of_chance([histogram(truth, np.zeros(truth.shape, np.uint16), truth)])).all()


def test_images_of_different_brightness_pass_the_permutation_control():
    """More vessel and higher levels in one image than in the other: pairs across images would give .57."""
    generator = np.random.default_rng(0)
    permuted = []
    for share, offset in ((0.3, 20000), (0.1, 0)):
        truth = generator.random((100, 100)) < share
        levels = (offset + generator.integers(0, 40000, truth.shape)).astype(np.uint16)
        permuted.append(histogram(truth, levels, np.ones(truth.shape, bool)))
    assert auc(permuted[0] + permuted[1]) > 0.55
    area, deviation = area_of_chance(permuted)
    assert area == pytest.approx(0.5, abs=4 * deviation)
    assert deviation < 0.01


def test_figures_of_others_by_hand():
    # 8 vessel pixels, 92 background; .75 x 8 + 88/92 x 92 = 94 of 100 right
    assert jointly_possible(0.94, 0.75, 0.9565, 8, 92)
    assert jointly_possible(0.94, 0.75, 0.957, 8, 92, digits=3)
    assert not jointly_possible(0.96, 0.75, 0.9565, 8, 92)
    assert not jointly_possible(0.94, 0.75, 0.957, 8, 92)  # to four digits .957 would be .9570


@pytest.mark.parametrize("seed", range(5))
def test_four_digits_of_a_real_matrix_are_possible_and_other_ones_not(seed):
    truth, levels, fov = random_map(seed, 65536, (200, 300))
    counts = count(truth, levels >= 40000, fov)
    right, found, left = (round(float(score(counts)), 4) for score in (accuracy, sensitivity, specificity))
    vessel, background = counts.tp + counts.fn, counts.tn + counts.fp
    assert jointly_possible(right, found, left, vessel, background)
    for wrong in (right + 0.002, right - 0.002):
        assert not jointly_possible(wrong, found, left, vessel, background)
    assert not jointly_possible(right, left, found, vessel, background)
