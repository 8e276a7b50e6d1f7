"""Fetching a large file: go on where a cut connection stopped, try again, keep only what is whole."""

from __future__ import annotations

import gzip
import time
import zlib
from pathlib import Path

import requests

from vesselbench.config import UserError
from vesselbench.progress import progress

CHUNK = 1 << 16  # bytes
TIMEOUT = 30  # seconds without a byte


def fetch(address: str, target: Path, attempts: int = 5, pause: float = 1.0) -> None:
    """Fetch a gzip file.

    What has arrived stays in ``<target>.part`` whatever happens, and the next attempt, or the next call,
    asks for the rest only. A server that cannot do this sends all of it again. Archives that a server makes
    on demand may differ between two requests; so the joined file is read to the end, where gzip holds a
    checksum, before it becomes ``target``; if the checksum is wrong, it starts from nothing.

    Parameters
    ----------
    address
        Of the file.
    target
        Where to put it. Parent folders are created.
    attempts
        Number of requests at most.
    pause
        Seconds before the second attempt; doubled for each that follows.

    Raises
    ------
    UserError
        The server has no such file, or every attempt failed.
    """
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    reason = "what arrived is not a whole gzip file"
    for attempt in range(attempts):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            if not _is_whole(part):
                _append(address, part)
        except requests.RequestException as error:
            reason = str(error) if error.response is not None else type(error).__name__
        if _is_whole(part):
            part.replace(target)
            return
    raise UserError(
        f"{address}: {attempts} attempts failed, the last because of: {reason}; "
        f"check the connection and run it again: it goes on from {part}"
    )


def _append(address: str, part: Path) -> None:
    start = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(address, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink(missing_ok=True)  # longer than the server's file: not of one piece with it
        if response.status_code in (requests.codes.not_found, requests.codes.gone):
            raise UserError(f"{address}: no such file (HTTP {response.status_code}); the mirror has gone")
        response.raise_for_status()
        resumed = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        start = start if resumed else 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        options = {"unit": "B", "unit_scale": True, "initial": start, "total": total, "desc": address}
        with part.open("ab" if resumed else "wb") as stream, progress(**options) as bar:
            for chunk in response.iter_content(CHUNK):
                stream.write(chunk)
                bar.update(len(chunk))


def _is_whole(part: Path) -> bool:
    try:
        with gzip.open(part) as stream:
            while stream.read(CHUNK):
                pass
    except EOFError:
        return False  # cut short: the rest can be asked for
    except (OSError, zlib.error):  # no gzip, or of two pieces that do not fit
        part.unlink(missing_ok=True)
        return False
    return True
