"""Copies of the repository with the tiny project's parameters, and DVC called in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tiny_project import ROOT, write_params

PIPELINE = (".dvc/.gitignore", ".dvc/config", ".dvc/plots", ".dvcignore", ".gitignore", "dvc.yaml", "src")


def copy_repository(folder: Path, *changes: Mapping[str, Any]) -> None:
    """Copy the pipeline and its code, without data, results and history, and write params.yaml with ``changes``."""
    for name in PIPELINE:
        (folder / name).parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, folder / name)
    write_params(folder, *changes)


class Repository:
    """One copy of the repository, or clone of one; calling it calls DVC there, on one core.

    Parameters
    ----------
    folder
        Where it is.
    private
        A folder for what DVC keeps outside a repository, such as its settings for a person or a machine: those of the
        person at hand are not read. What Git and this project take from the environment is left out, too.
    """

    def __init__(self, folder: Path, private: Path):
        self.folder = folder
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "VESSELBENCH_"))
        }
        self.environment |= {
            "DVC_GLOBAL_CONFIG_DIR": str(private / "global"),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(private / "site_cache"),
            "DVC_SYSTEM_CONFIG_DIR": str(private / "system"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "OMP_NUM_THREADS": "1",
            "PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}",
            # Relative, so that a stage imports the code of the folder in which it runs: DVC's queue runs it in copies.
            "PYTHONPATH": "src",
        }

    def __call__(self, *words: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *words)

    def git(self, *words: str) -> str:
        return self.run("git", *words)

    def run(self, *command: str) -> str:
        """Return what a command prints on stdout; it must succeed."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def sign(self) -> None:
        """Give Git a name for what is committed here."""
        for key, value in (("user.name", "Nobody"), ("user.email", "nobody@example.org"), ("commit.gpgsign", "false")):
            self.git("config", key, value)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", f"--message={message}")


def stages_run(output: str) -> set[str]:
    """Names of the stages whose commands DVC ran, by what it printed."""
    return set(re.findall(r"^Running stage '(.+)':$", output, re.MULTILINE))


def stages_taken_from_cache(output: str) -> set[str]:
    """Names of the stages that DVC had to redo, and whose outputs it found in the cache, by what it printed."""
    return set(re.findall(r"^Stage '(.+)' is cached - skipping run", output, re.MULTILINE))


def stages_unchanged(output: str) -> set[str]:
    """Names of the stages whose outputs were there already, or were fetched and put there, by what DVC printed."""
    return set(re.findall(r"^Stage '(.+)' didn't change, skipping$", output, re.MULTILINE))
