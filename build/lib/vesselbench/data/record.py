"""Making a manifest from archives at hand, once, when a data set is added."""

from __future__ import annotations

import hashlib
import io
from dataclasses import astuple, fields
from pathlib import Path

import pandas as pd
from PIL import Image

from vesselbench.data.archives import read_members
from vesselbench.data.manifest import RawFile, Source
from vesselbench.files import whole_file


def record(source: Source, archives: Path, manifest: Path) -> None:
    """Write the manifest of a published data set.

    Parameters
    ----------
    source
        The data set; its ``place`` says which members count.
    archives
        The folder of the owner's archives. What they hold now is what will be asked for ever after.
    manifest
        The CSV to write: ``src/vesselbench/data/sources/<dataset>/manifest.csv``.

    Raises
    ------
    UserError
        An archive is damaged.
    """
    files = []
    for archive in source.archives:
        for member, data in read_members(archives / archive, source.page):
            path = source.place(member)
            if path is not None:
                columns, rows = Image.open(io.BytesIO(data)).size
                digest = hashlib.sha256(data).hexdigest()
                files.append(RawFile(path, digest, rows, columns, archive, member))
    table = pd.DataFrame(map(astuple, files), columns=[field.name for field in fields(RawFile)])
    with whole_file(manifest) as part:
        table.sort_values("path").to_csv(part, index=False)
