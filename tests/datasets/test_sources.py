"""The records of the data sets, their manifests, and the real files where the owners' archives are at hand."""

from importlib import import_module
from pathlib import Path

import pytest

from vesselbench.config import UserError
from vesselbench.data.fov import estimate
from vesselbench.data.images import read_image, read_label, read_mask
from vesselbench.data.sample import read_samples
from vesselbench.datasets.fetch import check, obtain, record
from vesselbench.datasets.source import MANIFESTS, find_source, list_samples, read_manifest

FACTS = {  # size; images, labels, second observer's, masks; both observers' share of vessel in the field of view, in %
    "drive": ((584, 565), (40, 40, 20, 40), 12.6, None),
    "chase_db1": ((960, 999), (28, 28, 28, 0), 10.05, 9.65),
    "stare": ((605, 700), (20, 20, 20, 0), 10.3, 14.7),
}


def test_unknown_name():
    with pytest.raises(UserError, match="'drvie' is unknown; choose one of: chase_db1, drive, phantom, stare$"):
        find_source("drvie")


@pytest.mark.parametrize("name", FACTS)
def test_manifest(name):
    source, files, (shape, counts, *_) = find_source(name), read_manifest(name), FACTS[name]
    folders = [file.path.split("/")[0] for file in files]
    assert tuple(map(folders.count, ("images", "labels", "second_observer", "fov"))) == counts
    assert len({file.sha256 for file in files}) == len({file.path for file in files}) == len(files) == sum(counts)
    assert {(file.rows, file.columns) for file in files} == {shape}
    assert {file.archive for file in files} == set(source.archives)
    assert [source.place(file.member) for file in files] == [file.path for file in files]
    assert source.place("README.txt") is None
    assert import_module(f"vesselbench.datasets.{name}").__doc__.startswith(f"{source.title}: "), "its data sheet"


def test_groups_and_subsets(tmp_path):
    files = {name: [file.path for file in read_manifest(name)] for name in FACTS}
    drive, chase, stare = (list_samples(find_source(name), files[name], tmp_path) for name in FACTS)
    assert [(s.id, s.subset) for s in drive] == [(f"{i:02d}", "train" if i > 20 else "test") for i in range(1, 41)]
    assert [(s.id, s.group, s.subset) for s in chase[1:3]] == [("01R", "01", ""), ("02L", "02", "")]
    assert len({sample.group for sample in chase}) == 14
    assert {(sample.group == sample.id, sample.subset) for sample in stare} == {(True, "")}


def test_check_of_a_drawn_data_set(tmp_path):
    raw = tmp_path / "phantom"
    title, make = "phantom: phantom, drawn by this project", "run 'dvc repro download@phantom'"
    assert check("phantom", tmp_path, raw) == ([title, f"  {raw}: not there; {make}"], True)
    obtain("phantom", {"fov": "official", "size": 128, "train": 1, "test": 1}, raw)
    assert check("phantom", tmp_path, raw) == ([title, f"  {raw}: 10 of 10 files"], True)
    (raw / "fov/p01.png").unlink()
    line = f"  {raw}: 9 of 10 files; {raw}/fov/p01.png is missing; remove {raw} and {make}"
    assert check("phantom", tmp_path, raw) == ([title, line], False)


def test_record(toy):
    toy.pack(Path("toy.zip"))
    toy.change(place={file.member: file.path for file in toy.files if not file.optional}.get)
    record(toy.source, Path(), Path("toy.csv"))
    first, second, *others = Path("toy.csv").read_text().splitlines()
    assert first == "path,sha256,rows,columns,archive,member"
    assert second == f"images/a.png,{toy.files[0].sha256},2,3,toy.zip,toy/a_images.png"
    assert [line.split(",")[0] for line in others] == ["images/b.png", "labels/a.png", "labels/b.png"]


@pytest.mark.archives
@pytest.mark.parametrize("name", FACTS)
def test_real_files(archives, tmp_path, name):
    record(find_source(name), archives, tmp_path / "made.csv")
    assert (tmp_path / "made.csv").read_text() == (MANIFESTS / f"{name}.csv").read_text()
    obtain(name, {"fov": "official", "mirror": False}, tmp_path / "raw")
    samples, (shape, (number, *_), *shares) = read_samples(tmp_path / "raw"), FACTS[name]
    images = [read_image(sample.image) for sample in samples]
    assert [image.shape for image in images] == [(*shape, 3)] * number
    masks = [read_mask(s.fov) if s.fov else estimate(image) for s, image in zip(samples, images, strict=True)]
    for observer, share in zip(("truth", "second_observer"), shares, strict=True):
        pairs = zip(samples, masks, strict=True)
        inside = [read_label(path, shape)[mask] for s, mask in pairs if (path := getattr(s, observer))]
        assert all(vessels.any() for vessels in inside)
        found = 100 * sum(vessels.sum() for vessels in inside) / sum(map(len, inside))
        assert share is None or found == pytest.approx(share, abs=0.1)
