"""The records of the data sets, their manifests, and the real files where the owners' archives are at hand."""

from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from vesselbench.data.fov import estimate
from vesselbench.data.images import read_image, read_kinds, read_label, read_mask
from vesselbench.data.sample import read_samples
from vesselbench.datasets.fetch import check, obtain, record
from vesselbench.datasets.source import MANIFESTS, find_source, list_samples, read_manifest

FOLDERS = ("images", "labels", "second_observer", "fov", "artery_vein")
FACTS = {  # size; images, labels, second observer's, masks; both observers' share of vessel in the field of view, in %
    "drive": ((584, 565), (40, 40, 20, 40), 12.6, None),
    "chase_db1": ((960, 999), (28, 28, 28, 0), 10.05, 9.65),
    "stare": ((605, 700), (20, 20, 20, 0), 10.3, 14.7),
}
FILES = {  # images of each size; files of each folder
    **{name: ({shape: counts[0]}, (*counts, 0)) for name, (shape, counts, *_) in FACTS.items()},
    "drive_av": ({(584, 565): 40}, (40, 0, 0, 40, 40)),
    "les_av": ({(1444, 1620): 21, (1958, 2196): 1}, (22, 0, 0, 22, 22)),
    "hrf_av": ({(2336, 3504): 45}, (45, 0, 0, 45, 45)),
}
# Of a subset: images; the first id; shares in % of background, artery, vein, crossing, uncertain in the frame, and of
# the kinds in the mask, by the pixels that have exactly these colours; share of the mask; vessel pixels outside.
KINDS = {
    ("drive_av", "train"): (20, "21", (91.607, 3.492, 4.284, 0.212, 0.405), (5.073, 6.223, 0.307, 0.588), 0.688, 200),
    ("drive_av", "test"): (20, "01", (91.580, 3.585, 4.361, 0.315, 0.158), (5.213, 6.342, 0.458, 0.230), 0.688, 15),
    ("les_av", "train"): (11, "111", (92.869, 3.343, 3.530, 0.111, 0.146), (4.776, 5.044, 0.159, 0.209), 0.700, 32),
    ("les_av", "test"): (11, "224", (93.802, 2.679, 3.211, 0.086, 0.223), (3.828, 4.588, 0.122, 0.318), 0.700, 0),
    ("hrf_av", "train"): (24, "01_dr", (92.358, 3.324, 3.868, 0.450, 0), (3.935, 4.579, 0.532, 0), 0.845, 2831),
    ("hrf_av", "test"): (21, "09_dr", (92.212, 3.369, 3.835, 0.582, 0), (3.989, 4.540, 0.689, 0), 0.845, 1311),
}
ODD = {  # the pixels of odd colours, background first: all, and those in the mask
    ("drive_av", "train"): ((0, 0, 0, 40, 0), (0, 0, 0, 40, 0)),
    ("drive_av", "test"): ((0, 3, 7, 3, 0), (0, 3, 7, 3, 0)),
    ("hrf_av", "test"): ((1167, 873, 996, 91, 6), (1156, 873, 985, 91, 6)),
}


@pytest.mark.parametrize("name", FILES)
def test_manifest(name):
    source, files, (sizes, counts) = find_source(name), read_manifest(name), FILES[name]
    folders = [file.path.split("/")[0] for file in files]
    assert tuple(map(folders.count, FOLDERS)) == counts
    assert len({file.sha256 for file in files}) == len({file.path for file in files}) == len(files) == sum(counts)
    for folder in dict.fromkeys(folders):
        found = Counter((file.rows, file.columns) for file in files if file.path.startswith(folder + "/"))
        assert folder == "second_observer" or found == sizes
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


@pytest.mark.parametrize(("name", "subset"), KINDS)
def test_subsets_of_arteries_and_veins(tmp_path, name, subset):
    samples = list_samples(find_source(name), [file.path for file in read_manifest(name)], tmp_path)
    samples = [sample for sample in samples if sample.subset == subset]
    assert (len(samples), samples[0].id) == KINDS[name, subset][:2]
    assert all(sample.image and sample.fov and sample.artery_vein and not sample.truth for sample in samples)


def test_phantom_av_is_the_phantom_under_another_name(tmp_path):
    for name in ("phantom", "phantom_av"):
        parameters = {"fov": "official", "task": "artery_vein", "size": 128, "train": 1, "test": 1}
        obtain(name, parameters, tmp_path / name)
    first, second = (read_samples(tmp_path / name) for name in ("phantom", "phantom_av"))
    assert [sample.artery_vein.read_bytes() for sample in first] == [s.artery_vein.read_bytes() for s in second]


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


def take(name, archives, folder, **parameters):
    """Obtain a data set, whose manifest must be that of the archives; return its samples."""
    record(find_source(name), archives, folder / "made.csv")
    assert (folder / "made.csv").read_text() == (MANIFESTS / f"{name}.csv").read_text()
    obtain(name, {"fov": "official", "mirror": False, **parameters}, folder / "raw")
    return read_samples(folder / "raw")


@pytest.mark.archives
@pytest.mark.parametrize("name", FACTS)
def test_real_files(archives, tmp_path, name):
    samples, (shape, (number, *_), *shares) = take(name, archives, tmp_path), FACTS[name]
    images = [read_image(sample.image) for sample in samples]
    assert [image.shape for image in images] == [(*shape, 3)] * number
    masks = [read_mask(s.fov) if s.fov else estimate(image) for s, image in zip(samples, images, strict=True)]
    for observer, share in zip(("truth", "second_observer"), shares, strict=True):
        pairs = zip(samples, masks, strict=True)
        inside = [read_label(path, shape)[mask] for s, mask in pairs if (path := getattr(s, observer))]
        assert all(vessels.any() for vessels in inside)
        found = 100 * sum(vessels.sum() for vessels in inside) / sum(map(len, inside))
        assert share is None or found == pytest.approx(share, abs=0.1)


@pytest.mark.archives
@pytest.mark.parametrize("name", ["drive_av", "les_av", pytest.param("hrf_av", marks=pytest.mark.slow)])
def test_real_labels_of_arteries_and_veins(archives, tmp_path, name):
    source = find_source(name)
    if absent := [archive for archive in source.archives if not (archives / archive).is_file()]:
        pytest.skip(f"{', '.join(absent)}: not among the archives at hand")
    samples = take(name, archives, tmp_path, task="artery_vein")
    for subset in ("train", "test"):
        count, _, frame_shares, mask_shares, cover, outside = KINDS[name, subset]
        own, (frame, inside) = [sample for sample in samples if sample.subset == subset], np.zeros((2, 5), int)
        odd, odd_inside = map(np.array, ODD.get((name, subset), ((0,) * 5,) * 2))
        for sample in own:
            kinds = read_kinds(sample.artery_vein)
            frame += np.bincount(kinds.ravel(), minlength=5)
            inside += np.bincount(kinds[read_mask(sample.fov, kinds.shape)], minlength=5)
        assert len(own) == count
        assert tuple(np.round(100 * (frame - odd) / frame.sum(), 3)) == frame_shares
        assert tuple(np.round(100 * (inside - odd_inside) / inside.sum(), 3)[1:]) == mask_shares
        assert round(inside.sum() / frame.sum(), 3) == cover
        assert (frame - odd - inside + odd_inside)[1:].sum() == outside
