"""Checkpoints of trainings that were stopped, packed to go on elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vesselbench.offsite.manifest import Manifest, digest
from vesselbench.offsite.pack import check_pack, pieces, unpack, write_pack
from vesselbench.offsite.stages import Stage
from vesselbench.training.checkpoint import checkpoint_folder

ENDING = ".checkpoint.tar"


def checkpoint_of(stage: Stage) -> Path | None:
    """Where a stage keeps its checkpoint, if it is a training."""
    _, _, module, *words = stage.command.split()
    return checkpoint_folder(*words) / "last.pt" if module == "vesselbench.stages.train" else None


def pack_checkpoint(stage: Stage, manifest: Manifest, folder: Path, piece: int) -> int:
    """Pack the checkpoint of a stage, if it has one; return the number of bytes, 0 if it has none."""
    path = checkpoint_of(stage)
    if path is None or not path.exists():
        return 0
    manifest = replace(manifest, outs={path.name: digest(path)})
    return write_pack(folder / f"{stage.file}{ENDING}", manifest, {path.name: path}, piece)


def take_checkpoint(stage: Stage, folder: Path) -> str:
    """Put a packed checkpoint in its place, unless another is there; return what to say of it, if anything.

    Whether it belongs to the training, the training itself decides.

    Raises
    ------
    UserError
        The pack is damaged.
    """
    pack, path = folder / f"{stage.file}{ENDING}", checkpoint_of(stage)
    if path is None or not pieces(pack):
        return ""
    manifest = check_pack(pack)
    if path.exists():
        same = digest(path) == manifest.outs[path.name]
        return "" if same else f"{path} stays as it is; delete it to go on from {pack} instead"
    unpack(pack, path.name, path)
    return f"goes on from {pack}"
