import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from vesselbench.config import UserError
from vesselbench.data.mirror import CHUNK, fetch

CONTENT = gzip.compress(np.random.default_rng(0).bytes(200_000), mtime=0)


class Server(ThreadingHTTPServer):
    """Serves one file; ``script`` holds what to do at each request, after which it behaves."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.script, self.ranges, self.resumes = CONTENT, [], [], True

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/file.tar.gz"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        todo = self.server.script.pop(0) if self.server.script else "all"
        if isinstance(todo, int):
            self.send_error(todo)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.resumes else 0
        size = len(self.server.content)
        if start >= size:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        rest = self.server.content[start:]
        self.wfile.write(rest[: len(rest) // 2] if todo == "half" else rest)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "archives" / "mirror.tar.gz"


def test_plain_fetch(server, target):
    fetch(server.address, target, pause=0)
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None]
    assert [path.name for path in target.parent.iterdir()] == ["mirror.tar.gz"]


def test_cut_connection_goes_on_where_it_stopped(server, target):
    server.script = ["half"]
    fetch(server.address, target, pause=0)
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={CHUNK}-"]  # the chunk that was cut is not kept


def test_part_of_an_earlier_run_is_used(server, target):
    target.parent.mkdir()
    target.with_name("mirror.tar.gz.part").write_bytes(CONTENT[:1000])
    fetch(server.address, target, pause=0)
    assert target.read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-"]


def test_whole_part_needs_no_request(server, target):
    target.parent.mkdir()
    target.with_name("mirror.tar.gz.part").write_bytes(CONTENT)
    fetch(server.address, target, pause=0)
    assert target.read_bytes() == CONTENT
    assert server.ranges == []


def test_server_that_ignores_ranges(server, target):
    server.resumes, server.script = False, ["half"]
    fetch(server.address, target, pause=0)
    assert target.read_bytes() == CONTENT
    assert len(server.ranges) == 2


def test_part_of_another_archive_is_thrown_away(server, target):
    target.parent.mkdir()
    other = gzip.compress(np.random.default_rng(1).bytes(200_000), mtime=0)
    target.with_name("mirror.tar.gz.part").write_bytes(other[:100_000])
    fetch(server.address, target, pause=0)
    assert target.read_bytes() == CONTENT
    assert server.ranges == ["bytes=100000-", None]


def test_part_longer_than_the_file_is_thrown_away(server, target):
    target.parent.mkdir()
    longer = gzip.compress(np.random.default_rng(1).bytes(300_000), mtime=0)
    target.with_name("mirror.tar.gz.part").write_bytes(longer[:-10])
    fetch(server.address, target, pause=0)
    assert target.read_bytes() == CONTENT


def test_busy_server_is_asked_again(server, target):
    server.script = [503, 429]
    fetch(server.address, target, pause=0)
    assert target.read_bytes() == CONTENT
    assert len(server.ranges) == 3


def test_no_such_file(server, target):
    server.script = [404]
    with pytest.raises(UserError) as error:
        fetch(server.address, target, pause=0)
    assert str(error.value) == f"{server.address}: no such file (HTTP 404); the mirror has gone"
    assert len(server.ranges) == 1


def test_page_in_place_of_the_archive(server, target):
    server.content = b"<html>try later</html>"
    with pytest.raises(UserError) as error:
        fetch(server.address, target, attempts=2, pause=0)
    assert str(error.value) == (
        f"{server.address}: 2 attempts failed, the last because of: what arrived is not a whole gzip file; "
        f"check the connection and run it again: it goes on from {target}.part"
    )
    assert list(target.parent.iterdir()) == []


def test_ever_cut_connection_keeps_what_came(server, target):
    server.script = ["half"] * 3
    with pytest.raises(UserError, match="3 attempts failed, the last because of: ChunkedEncodingError"):
        fetch(server.address, target, attempts=3, pause=0)
    kept = target.with_name("mirror.tar.gz.part").read_bytes()
    assert len(kept) == 2 * CHUNK
    assert CONTENT.startswith(kept)
    assert not target.exists()


def test_no_server(target, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(UserError, match="2 attempts failed, the last because of: ConnectionError"):
        fetch("http://127.0.0.1:9/file.tar.gz", target, attempts=2, pause=0)
