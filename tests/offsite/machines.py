"""Copies of the repository on which stages run without DVC."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from repository import Repository

STAGES = ("download@phantom", "network@iternet", "split@phantom", "fov@phantom", "train@phantom-iternet-0")
STAGES += ("predict@phantom-iternet-0-whole",)


class Machine(Repository):
    """A copy of the repository on which ``python -m vesselbench.offsite`` is called."""

    def offsite(self, *words: str) -> str:
        return self.run(sys.executable, "-m", "vesselbench.offsite", *words)

    def copy(self, folder: Path) -> Machine:
        shutil.copytree(self.folder, folder)
        return Machine(folder, folder.with_name("private"))
