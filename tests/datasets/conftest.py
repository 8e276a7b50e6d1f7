"""A data set small enough to alter by hand, two photographs in one archive of the owner's, and a mirror of it."""

import functools
import gc
import hashlib
import io
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vesselbench.datasets import fetch
from vesselbench.datasets.source import RawFile, Source


class Toy:
    """The data set's record, its manifest and the owner's members."""

    def __init__(self):
        addresses = {"page": "https://owner.example/", "mirror": "http://mirror.example/"}
        self.source, self.files, self.members = Source("Toy", archives=("toy.zip",), **addresses), [], {}
        for grey, path in enumerate(("images/a", "labels/a", "second_observer/a", "images/b", "labels/b")):
            Image.fromarray(np.full((2, 3), grey, np.uint8)).save(stream := io.BytesIO(), "png")
            member, data = f"toy/{path[-1]}_{path[:-2]}.png", stream.getvalue()
            self.members[member] = data
            self.files.append(RawFile(f"{path}.png", hashlib.sha256(data).hexdigest(), 2, 3, "toy.zip", member))

    def change(self, **values):
        self.source = replace(self.source, **values)

    def pack(self, path, **changes):
        """Write a zip; keywords replace members by their stem, None leaves one out."""
        path.parent.mkdir(parents=True, exist_ok=True)
        members = {member: changes.get(Path(member).stem, data) for member, data in self.members.items()}
        with zipfile.ZipFile(path, "w") as packed:
            for member in filter(members.get, members):
                packed.writestr(member, members[member])

    def pack_mirror(self, path, **changes):
        """Write a tar.gz of the same files under other names, among others."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w:gz") as packed:
            for member, data in {"read me": b"1", **self.members}.items():
                data = changes.get(Path(member).stem, data)
                info = tarfile.TarInfo(f"copy-1234/{hashlib.md5(data).hexdigest()}.bin")
                info.size = len(data)
                packed.addfile(info, io.BytesIO(data))


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Put the toy data set in place of the real ones, and a folder in place of the repository, with an older copy."""
    for name in ("params.yaml", "dvc.yaml"):  # the root of a repository
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VESSELBENCH_ARCHIVES", raising=False)
    toy = Toy()
    monkeypatch.setattr(fetch, "find_source", lambda name: toy.source)
    monkeypatch.setattr(fetch, "read_manifest", lambda name: toy.files)
    Path("data/raw/toy/old").mkdir(parents=True)
    return toy


@pytest.fixture
def mirror(toy, tmp_path, monkeypatch):
    """Serve the toy data set's mirror; returns the file that is served, to be spoilt."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    toy.pack_mirror(served := tmp_path / "served" / "copy.tar.gz")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=served.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        toy.change(mirror=f"http://127.0.0.1:{server.server_port}/copy.tar.gz")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield served
        server.shutdown()
    gc.collect()  # pooch leaves the connection of an HTTP error to it
