"""The sentences around the tables."""

from vesselbench.reports.notes import (
    budget_note,
    budget_notes,
    budget_warning,
    observer_notes,
    prediction_note,
    prediction_notes,
    protocol_notes,
    round_trip_note,
    threshold_notes,
)


def test_a_reduced_budget_is_called_so():
    note = budget_note("drive", 1240, 32, 64)
    assert note == (
        "Training: 1,240 steps of 32 patches of 64 x 64 pixels, **a reduced budget**: 2.5 % of the pixels of "
        "the paper's 12,400 steps of 32 patches of 128 x 128."
    )
    assert budget_warning([note]) == [
        'So a verdict here is one on this budget: "not reproduced" does not refute a claim made on the full one.'
    ]


def test_the_full_schedule_is_called_so():
    note = budget_note("stare", 10000, 32, 128)
    assert note == (
        "Training: 10,000 steps of 32 patches of 128 x 128 pixels, no fewer pixels than "
        "the paper's 10,000 steps of 32 patches of 128 x 128."
    )
    assert budget_warning([note]) == []
    assert budget_note("phantom", 500, 8, 64) == "Training: 500 steps of 8 patches of 64 x 64 pixels."


def test_how_the_maps_came_about():
    stored = {"batch": 32, "hardware": {"accelerator": "cpu", "precision": "32-true"}, "patch": 128, "stride": 3}
    stored |= {"training_stride": 32, "output": 0}
    assert prediction_note("patched", mode="patched", **stored) == (
        "Mode patched: patches of 128 x 128 pixels at stride 3, overlaps averaged (training images, for the threshold, "
        "at stride 32); precision 32-true."
    )
    assert prediction_note("once", mode="whole", **stored) == "Mode once: each image in one pass; precision 32-true."
    assert prediction_note("first", mode="whole", **stored | {"output": 1}) == (
        "Mode first: each image in one pass, output 1 of the network; precision 32-true."
    )


def test_ways_are_told_once_or_with_the_networks_they_belong_to():
    def made(steps, stride):
        how = {"mode": "patched", "patch": 128, "stride": stride, "training_stride": 0, "output": 0}
        recipe = {"steps": steps, "batch": 4, "patch": 64} if steps else None
        return how | {"hardware": {"precision": "32-true"}, "recipe": recipe}

    alike = {("iternet", "patched", 0): made(10, 8), ("unet", "patched", 0): made(10, 8)}
    assert budget_notes("phantom", alike) == ["Training: 10 steps of 4 patches of 64 x 64 pixels."]
    assert len(prediction_notes(alike)) == 1
    unlike = alike | {("iter_seg", "patched", 0): made(0, 5)}
    assert budget_notes("phantom", unlike) == [
        "Training: 10 steps of 4 patches of 64 x 64 pixels (IterNet, UNet).",
        "Training: none, a classical method (Iter-Seg).",
    ]
    assert prediction_notes(unlike) == [
        f"Mode patched: patches of 128 x 128 pixels at stride {stride}, overlaps averaged; precision 32-true ({names})."
        for stride, names in ((8, "IterNet, UNet"), (5, "Iter-Seg"))
    ]


def test_the_protocol_in_words(new_run):
    assert protocol_notes(new_run(0.8).scores, seeds=1) == [
        "Protocol, unless a table says otherwise: pixels of all 2 test images pooled; truth at its native size; "
        "vessel where p >= 0.5 (16-bit level >= 32768).",
        "Truth: first observer.",
        "Connectivity (paper, Eq. 3): mean over images, whole frame.",
        "Topology: mean over images.",
        "Intervals: 95 %, percentiles of 101 bootstrap draws of the test images.",
    ]


def test_thresholds_are_named_with_the_images_they_were_chosen_on(two_seeds, second_observer):
    assert threshold_notes(two_seeds) == [
        "Thresholds chosen on 2 training images (highest F1): IterNet patched .430 / .430, UNet patched .430 / .430."
    ]
    assert threshold_notes({"unet": {"patched": {0: second_observer}}}) == []


def test_why_the_second_observer_has_no_auc(new_run, second_observer):
    assert observer_notes(second_observer) == ["The second observer has no AUC: one operating point."]
    assert observer_notes(new_run(0.8)) == observer_notes(None) == []


def test_what_the_resize_round_trip_changes(new_run):
    assert round_trip_note("UNet, mode whole", {0: new_run(0.8)}) == [
        "The released code scores against truth that it took through a resize to a square and back. Of UNet, mode "
        "whole, inside the field of view, that changes Connectivity +.0000, F1 -.0100, Sensitivity +.0000, "
        "Specificity +.0000, Accuracy +.0000, AUC +.0000. The truth itself breaks into more segments on the way, "
        "which connectivity and the Betti-0 error feel most."
    ]
