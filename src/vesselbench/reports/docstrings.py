"""What docstrings of the code tell readers of a report: the papers of networks, the data sheets of data sets."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path


def method_of(network: str) -> str:
    """Give the docstring of a module of ``vesselbench.models``, its source among it, as Markdown."""
    return "\n\n".join(_paragraphs(_docstring(f"vesselbench.models.{network}")))


def data_sheet(dataset: str) -> dict[str, str]:
    """Read the data sheet that opens a data set's ``source.py``.

    Returns
    -------
    dict
        Heading -> text as Markdown, such as ``"Photographs"``, ``"Licence"``; ``""`` -> its title.
    """
    sections: dict[str, list[str]] = {"": []}
    for line in _docstring(f"vesselbench.data.sources.{dataset}.source").splitlines():
        if line.startswith(" ") or len(sections) == 1 and (line == "" or not sections[""]):
            sections[[*sections][-1]].append(line)
        else:
            sections[line] = []
    return {heading: " ".join(_paragraphs("\n".join(lines))) for heading, lines in sections.items()}


def _docstring(module: str) -> str:
    """Read a module's docstring without importing it, and PyTorch with it."""
    return ast.get_docstring(ast.parse(Path(find_spec(module).origin).read_text())) or ""


def _paragraphs(text: str) -> list[str]:
    """Join the lines of each paragraph."""
    return [" ".join(part.split()).replace("``", "`") for part in text.split("\n\n") if part.strip()]
