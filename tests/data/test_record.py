import dataclasses
from importlib import resources
from pathlib import Path

import pytest

from vesselbench.data.manifest import find_source
from vesselbench.data.record import record


def test_record(toy):
    places = {file.member: file.path for file in toy.files if not file.optional}
    toy.pack(Path("data/archives/toy.zip"))
    source = dataclasses.replace(toy.source, place=places.get)
    record(source, Path("data/archives"), Path("toy.csv"))
    lines = Path("toy.csv").read_text().splitlines()
    assert lines[0] == "path,sha256,rows,columns,archive,member"
    assert lines[1] == f"images/a.png,{toy.files[0].sha256},2,3,toy.zip,toy/a_photo.png"
    assert [line.split(",")[0] for line in lines[2:]] == ["images/b.png", "labels/a.png", "labels/b.png"]


@pytest.mark.archives
@pytest.mark.parametrize("dataset", ["drive", "chase_db1", "stare"])
def test_committed_manifests_are_what_the_archives_give(archives, dataset, tmp_path):
    record(find_source(dataset), archives, tmp_path / "made.csv")
    committed = resources.files("vesselbench.data.sources") / dataset / "manifest.csv"
    assert (tmp_path / "made.csv").read_text() == committed.read_text()
