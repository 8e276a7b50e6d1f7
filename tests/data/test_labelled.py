"""Samples, tasks, and the labelled images of a split, on a data set of three photographs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.images import write_mask
from vesselbench.data.labelled import labelled_images, read_classes
from vesselbench.data.sample import Sample, read_samples, write_samples
from vesselbench.data.splits import write_split
from vesselbench.data.task import TASKS, Task, channel_truths, find_task

RAW = Path("data/raw/toy")
VESSEL = TASKS["vessel"]
ARTERY = Task("artery_vein", ("background", "artery", "vein"), {"vessel": (1, 2), "artery": (1,)})
TRUTH, FOV = (np.array(rows) for rows in ([[0, 1, 1], [0, 0, 1]], [[0, 1, 1], [1, 1, 1]]))


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Write photographs of 2 x 3 pixels, a label each, with masks and a split, into an empty folder; work there."""
    monkeypatch.chdir(tmp_path)
    samples = [Sample(name, name, "", RAW / f"{name}.png", RAW / f"{name}_label.png") for name in "cab"]
    for folder in (RAW, Path("data/fov/toy")):
        folder.mkdir(parents=True)
    for sample in samples:
        Image.new("RGB", (3, 2)).save(sample.image)
        write_mask(sample.truth, TRUTH)
        write_mask(Path(f"data/fov/toy/{sample.id}.png"), FOV)
    write_samples(samples, RAW)
    write_split(Path("data/splits/toy/half.csv"), {"c": "train", "a": "train", "b": "test"})
    return samples


def test_samples_are_read_as_they_were_written_in_order_of_id(toy):
    header, first = (RAW / "samples.csv").read_text().splitlines()[:2]
    assert header == "id,group,subset,image,truth,second_observer,fov,artery_vein"
    assert first == "a,a,,a.png,a_label.png,,,"
    assert read_samples(RAW) == sorted(toy, key=lambda sample: sample.id)
    with pytest.raises(UserError, match="samples.csv: no such file; run 'dvc repro download@none' first"):
        read_samples(Path("data/raw/none"))


@pytest.mark.usefixtures("toy")
def test_each_image_of_a_subset_comes_with_label_and_field_of_view():
    assert [sample.id for sample, _, _ in labelled_images("toy", "half", "test", VESSEL)] == ["b"]
    found = [*labelled_images("toy", "half", "train", VESSEL)]
    assert [sample.id for sample, _, _ in found] == ["a", "c"]
    assert all(classes.dtype == np.uint8 and np.array_equal(classes, TRUTH) for _, classes, _ in found)
    assert all(fov.dtype == bool and np.array_equal(fov, FOV) for _, _, fov in found)


def test_of_a_photograph_the_header_is_enough(toy):
    whole = toy[2].image.read_bytes()
    toy[2].image.write_bytes(whole[: whole.index(b"IDAT") + 4])
    assert len([*labelled_images("toy", "half", "test", VESSEL)]) == 1
    toy[2].image.write_bytes(b"none")
    with pytest.raises(UserError, match="b.png: not an image, or not the whole of one"):
        [*labelled_images("toy", "half", "test", VESSEL)]


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("path", [RAW / "c_label.png", Path("data/fov/toy/c.png")])
def test_a_label_or_field_of_view_of_another_size_is_refused(path):
    write_mask(path, np.ones((3, 3)))
    with pytest.raises(UserError, match=r"3 x 3 \(rows x columns\), but the image that it belongs to is 2 x 3"):
        [*labelled_images("toy", "half", "train", VESSEL)]


def test_a_label_of_arteries_and_veins_must_be_there_is_read_by_its_colours_and_must_fit_the_photograph(toy):
    with pytest.raises(UserError, match="c.png: has no label in artery_vein; choose another task for this source"):
        read_classes(toy[0], ARTERY, (2, 3))
    Image.new("RGB", (3, 2), (0, 255, 0)).save(RAW / "kinds.png")
    sample = replace(toy[0], artery_vein=RAW / "kinds.png")
    assert read_classes(sample, TASKS["artery_vein"], (2, 3)).tolist() == [[3] * 3] * 2
    with pytest.raises(UserError, match=r"2 x 3 \(rows x columns\), but the image that it belongs to is 3 x 3"):
        read_classes(sample, TASKS["artery_vein"], (3, 3))


def test_a_task_is_found_by_name_and_turns_its_classes_into_truths_of_its_channels():
    truths = channel_truths(ARTERY, np.array([[0, 1], [2, 1]], np.uint8))
    assert list(truths) == ["vessel", "artery"]
    assert truths["vessel"].tolist() == [[0, 1], [1, 1]]
    assert truths["artery"].tolist() == [[0, 1], [0, 1]]
    assert {truth.dtype for truth in truths.values()} == {np.dtype(np.uint8)}
    assert find_task("vessel") is VESSEL
    with pytest.raises(UserError, match="params.yaml: sources: task 'veins' is unknown; choose one of vessel"):
        find_task("veins")
