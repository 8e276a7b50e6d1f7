"""A data set small enough to alter by hand: two photographs in one archive of the owner's."""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vesselbench.data import check, download
from vesselbench.data.manifest import RawFile, Source


@dataclass
class Toy:
    """The data set's record, its manifest, the owner's members, and a way to pack them."""

    source: Source
    files: list[RawFile]
    members: dict[str, bytes]

    def pack(self, path: Path, **changes: bytes | None) -> Path:
        """Write a zip; keywords replace members by their stem, None leaves one out."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as packed:
            for member, data in self.members.items():
                data = changes.get(Path(member).stem, data)
                if data is not None:
                    packed.writestr(member, data)
        return path


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Put the toy data set in place of the real ones, and an empty folder in place of the repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VESSELBENCH_ARCHIVES", raising=False)
    members, files = {}, []
    for place, (stem, path) in enumerate(
        {
            "a_photo": "images/a",
            "a_first": "labels/a",
            "a_second": "second_observer/a",
            "b_photo": "images/b",
            "b_first": "labels/b",
        }.items()
    ):
        stream = io.BytesIO()
        Image.fromarray(np.full((2, 3), place, np.uint8)).save(stream, "png")
        members[f"toy/{stem}.png"] = stream.getvalue()
        digest = hashlib.sha256(stream.getvalue()).hexdigest()
        files.append(RawFile(f"{path}.png", digest, 2, 3, "toy.zip", f"toy/{stem}.png"))
    source = Source(title="Toy", page="https://owner.example/", archives=("toy.zip",), mirror="http://mirror.example/")
    for module in (check, download):
        monkeypatch.setattr(module, "find_source", lambda dataset: source)
        monkeypatch.setattr(module, "read_manifest", lambda dataset: files)
    return Toy(source, files, members)
