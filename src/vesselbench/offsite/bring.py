"""Bringing outputs home: every pack compared with this checkout, and only then put in place and noted in dvc.lock."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path

from vesselbench.config import PARAMS, UserError
from vesselbench.files import whole_file
from vesselbench.offsite.checkpoints import ENDING, take_checkpoint
from vesselbench.offsite.manifest import Manifest, differences, digests
from vesselbench.offsite.pack import check_pack, find_packs, unpack
from vesselbench.offsite.stages import PIPELINE, Stage, makers, read_stages, read_yaml, under

RUNS = Path("metrics/runs.csv")
COLUMNS = ("stage", "device", "torch", "seconds", "revision")


def bring(folder: Path) -> None:
    """Put the outputs of all packs in their places, and let DVC note them; checkpoints go to theirs.

    Parameters
    ----------
    folder
        Of the packs.

    Raises
    ------
    UserError
        A pack is damaged, or was made of other code, data or parameters than those here, a line each (nothing was
        changed then); or DVC refuses a stage.
    """
    packs = find_packs(folder)
    if not packs:
        raise UserError(f"{folder}: no pack (*.tar, *.tar.000) here; name the folder that run wrote to")
    stages = read_stages()
    manifests = check(packs, stages)
    for manifest in manifests.values():
        if not _known(manifest.revision):
            revision = f"revision {manifest.revision[:12]} is none of this branch's"
            print(f"warning: {manifest.stage}: {revision}; its code, data and parameters are those here")
    brought = {manifest.stage: pack for pack, manifest in manifests.items()}
    order = TopologicalSorter({name: makers(stages[name].deps, [stages[n] for n in brought]) for name in brought})
    names = list(order.static_order())
    for name in names:
        for out in stages[name].outs:
            unpack(brought[name], out, Path(out))
        print(f"{name}: {', '.join(stages[name].outs)}", flush=True)
    for stage in stages.values():
        if said := take_checkpoint(stage, folder):
            print(f"{stage.name}: {said}", flush=True)
    if names:
        if subprocess.run([sys.executable, "-m", "dvc", "commit", "--force", *names]).returncode:
            raise UserError("dvc commit failed, see above; the outputs are in place: mend it and run this again")
        note([manifests[brought[name]] for name in names])


def check(packs: list[Path], stages: Mapping[str, Stage]) -> dict[Path, Manifest]:
    """Compare packs with what this checkout will hold once they are in place.

    Parameters
    ----------
    packs
        Of finished stages, and of checkpoints: of these only that they are whole.
    stages
        All of dvc.yaml, by name.

    Returns
    -------
    dict
        The manifest of each pack of a finished stage.

    Raises
    ------
    UserError
        Something differs; a line for each thing.
    """
    params, manifests, wrong = read_yaml(PARAMS), {}, []
    for pack in packs:
        try:
            if pack.name.endswith(ENDING):
                check_pack(pack)
            else:
                manifests[pack] = _checked(pack, stages)
        except UserError as error:
            wrong.append(str(error))
    outs = [out for manifest in manifests.values() for out in stages[manifest.stage].outs]
    coming = {name: value for manifest in manifests.values() for name, value in manifest.outs.items()}
    known: dict[str, dict[str, str]] = {}
    for pack, manifest in manifests.items():
        stage = stages[manifest.stage]
        for dep in stage.deps:
            if dep not in known:
                known[dep] = {name: value for name, value in digests([dep]).items() if not _below(name, outs)}
                known[dep] |= {name: value for name, value in coming.items() if under(name, dep)}
        inputs = {name: value for dep in stage.deps for name, value in known[dep].items()}
        wrong += [f"{pack}: {line}" for line in differences(manifest, stage, params, inputs)]
    if wrong:
        raise UserError("\n".join([*dict.fromkeys(wrong), "nothing was changed here"]))
    return manifests


def _checked(pack: Path, stages: Mapping[str, Stage]) -> Manifest:
    manifest = check_pack(pack)
    if manifest.stage not in stages:
        raise UserError(f"{pack}: it holds stage {manifest.stage}, which {PIPELINE} does not have; take it away")
    outs = stages[manifest.stage].outs
    for name in manifest.outs:
        if ".." in Path(name).parts or not _below(name, outs):
            raise UserError(f"{pack}: {name} is none of its outs ({', '.join(outs)}); take it away")
    return manifest


def _below(name: str, folders: list[str] | tuple[str, ...]) -> bool:
    return any(under(name, folder) for folder in folders)


def _known(revision: str) -> bool:
    words = ["git", "merge-base", "--is-ancestor", revision, "HEAD"]
    return subprocess.run(words, capture_output=True).returncode == 0


def note(manifests: list[Manifest]) -> None:
    """Write the runs to the list that Git tracks, a row a stage: the run that was brought home last."""
    rows = {}
    if RUNS.exists():
        with RUNS.open(newline="") as stream:
            rows = {row["stage"]: row for row in csv.DictReader(stream)}
    for manifest in manifests:
        row = {column: getattr(manifest, column) for column in COLUMNS}
        rows[manifest.stage] = row | {"seconds": round(manifest.seconds)}
    with whole_file(RUNS) as path, path.open("w", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows[stage] for stage in sorted(rows))
