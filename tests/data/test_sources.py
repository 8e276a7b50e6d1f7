import subprocess
import sys

import pytest

from vesselbench.data.download import obtain
from vesselbench.data.fov import estimate
from vesselbench.data.images import read_image, read_label, read_mask
from vesselbench.data.manifest import dataset_names, find_source, list_samples, read_manifest
from vesselbench.data.sample import read_samples

COUNTS = {
    "drive": {"images": 40, "labels": 40, "second_observer": 20, "fov": 40},
    "chase_db1": {"images": 28, "labels": 28, "second_observer": 28},
    "stare": {"images": 20, "labels": 20, "second_observer": 20},
}
SHAPES = {"drive": (584, 565), "chase_db1": (960, 999), "stare": (605, 700)}


def test_names():
    assert dataset_names() == ["chase_db1", "drive", "phantom", "stare"]


def test_one_source_does_not_import_the_others():
    code = (
        "import sys; from vesselbench.data.manifest import find_source; find_source('stare'); "
        "print([name for name in sys.modules if name.startswith('vesselbench.data.sources.')])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "['vesselbench.data.sources.stare', 'vesselbench.data.sources.stare.source']"


@pytest.mark.parametrize("dataset", COUNTS)
def test_manifest(dataset):
    source, files = find_source(dataset), read_manifest(dataset)
    folders = [file.path.split("/")[0] for file in files]
    assert {folder: folders.count(folder) for folder in folders} == COUNTS[dataset]
    assert len({file.sha256 for file in files}) == len({file.path for file in files}) == len(files)
    assert {(file.rows, file.columns) for file in files} == {SHAPES[dataset]}
    assert {file.archive for file in files} == set(source.archives)
    assert [source.place(file.member) for file in files] == [file.path for file in files]
    assert source.place("README.txt") is None


def test_groups_and_subsets(tmp_path):
    samples = {
        name: list_samples(find_source(name), [file.path for file in read_manifest(name)], tmp_path) for name in COUNTS
    }
    subsets = [(sample.id, sample.subset) for sample in samples["drive"]]
    assert subsets == [(f"{i:02d}", "train" if i > 20 else "test") for i in range(1, 41)]
    assert [(s.id, s.group, s.subset) for s in samples["chase_db1"][:3]] == [
        ("01L", "01", ""),
        ("01R", "01", ""),
        ("02L", "02", ""),
    ]
    assert len({sample.group for sample in samples["chase_db1"]}) == 14
    assert {(sample.group == sample.id, sample.subset) for sample in samples["stare"]} == {(True, "")}


def test_drive_explains_only_the_known_gap():
    explain = find_source("drive").explain
    assert "lacks the first observer's labels of 1 test photographs" in explain(["labels/20.gif"])
    assert explain(["labels/20.gif", "labels/21.gif"]) == ""
    assert explain(["labels/20.gif", "images/20.tif"]) == ""


def test_phantom(tmp_path):
    parameters = {"size": 128, "train": 1, "test": 1, "seed": 3}
    obtain("phantom", parameters, tmp_path / "phantom")
    train, test = read_samples(tmp_path / "phantom")
    assert (train.subset, test.subset) == ("train", "test")
    assert read_label(train.truth, (128, 128)).any()


@pytest.mark.archives
@pytest.mark.usefixtures("archives")
@pytest.mark.parametrize("dataset", COUNTS)
def test_real_files(dataset, tmp_path):
    obtain(dataset, {"mirror": False}, tmp_path)
    samples = read_samples(tmp_path)
    assert len(samples) == COUNTS[dataset]["images"]
    for sample in samples:
        assert read_image(sample.image).shape == (*SHAPES[dataset], 3)
        for path in (sample.truth, sample.second_observer):
            assert path is None or read_label(path, SHAPES[dataset]).any()


def share(samples, observer, fov):
    """Share of vessel among the pixels in the field of view, all images pooled, in per cent."""
    pairs = [(read_label(getattr(sample, observer)), fov(sample)) for sample in samples]
    return 100 * sum(label[mask].sum() for label, mask in pairs) / sum(mask.sum() for _, mask in pairs)


@pytest.mark.archives
@pytest.mark.usefixtures("archives")
def test_vessel_shares(tmp_path):
    samples = {}
    for dataset in COUNTS:
        obtain(dataset, {"mirror": False}, tmp_path / dataset)
        samples[dataset] = read_samples(tmp_path / dataset)
    for subset, expected in (("train", 12.5), ("test", 12.7)):
        part = [sample for sample in samples["drive"] if sample.subset == subset]
        assert share(part, "truth", lambda s: read_mask(s.fov)) == pytest.approx(expected, abs=0.05)
    others = samples["stare"] + samples["chase_db1"]
    masks = {sample.id: estimate(read_image(sample.image)) for sample in others}
    for observer, stare, chase in (("truth", 10.3, 10.05), ("second_observer", 14.7, 9.65)):
        assert share(samples["stare"], observer, lambda s: masks[s.id]) == pytest.approx(stare, abs=0.2)
        assert share(samples["chase_db1"], observer, lambda s: masks[s.id]) == pytest.approx(chase, abs=0.1)
