"""A sweep over a parameter on one machine: DVC's queue, with two workers that run beside each other."""

import json
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil  # DVC needs it, so it is there
import pytest
from repository import Repository, stages_run, stages_unchanged
from tiny_project import contents

BEFORE_TRAINING = {"download@phantom", "split@phantom", "fov@phantom", "observer@phantom", "network@iternet"}
FROM_TRAINING = {
    "train@phantom-iternet-0",
    "predict@phantom-iternet-0-whole",
    "threshold@phantom-iternet-0-whole",
    "evaluate@phantom-iternet-0-whole",
    "table@phantom",
}
STEPS = {"short": 1, "long": 3}  # the parameter's value, by the name of the experiment
SECONDS = 400  # for all of a sweep, which takes about 40 where nothing else runs


@pytest.fixture
def dvc(tabled, tmp_path):
    """A copy of the repository with results, to run experiments in; no process of theirs is left behind."""
    folder = tmp_path / "repository"
    shutil.copytree(tabled.folder, folder)
    dvc = Repository(folder, tmp_path / "private")
    yield dvc
    try:
        dvc("queue", "stop", "--kill")
    finally:  # that kills DVC's own processes only: a stage would go on, in a folder that is gone
        deadline = time.monotonic() + 60
        while left := processes_in(folder):
            assert time.monotonic() < deadline, left
            for process, _ in left:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(0.1)


def processes_in(folder: Path) -> list[tuple[psutil.Process, Path]]:
    """The processes that work in a folder or below it, DVC's workers and the stages that they run, and where."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.AccessDenied, psutil.NoSuchProcess):  # another person's, or it has ended
            found.append((process, Path(process.cwd())))
    return [(process, path) for process, path in found if path.is_relative_to(folder)]


def start_workers(dvc: Repository, count: int) -> None:
    """Start workers and return. They inherit the output: were it a pipe, reading it would last as long as they do."""
    command = [sys.executable, "-m", "dvc", "queue", "start", f"--jobs={count}"]
    with (dvc.folder.parent / "start.log").open("w+") as log:
        done = subprocess.run(command, cwd=dvc.folder, env=dvc.environment, stdout=log, stderr=log, timeout=120)
        log.seek(0)
        assert done.returncode == 0, log.read()


def wait_until_done(dvc: Repository) -> int:
    """Wait for the experiments' commits, and return in how many copies of the repository stages ran at once."""
    deadline, most = time.monotonic() + SECONDS, 0
    while True:
        copies = {path for _, path in processes_in(dvc.folder) if path.match(".dvc/tmp/exps/tmp*")}
        most = max(most, len(copies))
        found = experiments(dvc)
        if set(STEPS) <= set(found):
            return most
        if "failed" in found or time.monotonic() > deadline:
            pytest.fail(f"no success in {SECONDS} s:\n{dvc('queue', 'status')}{worker_logs(dvc)}")
        time.sleep(0.5)


def experiments(dvc: Repository) -> dict[str, str]:
    """Git's references of what DVC has run, by name; beside them are those of its queue, while that is not done."""
    references = dvc.git("for-each-ref", "--format=%(refname)", "refs/exps").split()
    return {reference.rsplit("/", 1)[1]: reference for reference in references}


def worker_logs(dvc: Repository) -> str:
    return "\n".join(path.read_text() for path in sorted((dvc.folder / ".dvc/tmp/exps").rglob("*.out")))


def test_two_workers_run_two_experiments_at_once(dvc):
    for name, steps in STEPS.items():
        dvc("exp", "run", "--queue", f"--name={name}", f"--set-param=train.phantom.steps={steps}", "table@phantom")
    assert dvc.git("status", "--porcelain") == "", "queueing changes nothing here"
    # Work goes on here meanwhile. The experiments have their own copies of the code, in which this line is not.
    code = dvc.folder / "src/vesselbench/stages/train.py"
    code.write_text('raise SystemExit("code of the workspace")\n' + code.read_text())
    before = workspace(dvc)

    start_workers(dvc, 2)
    assert wait_until_done(dvc) == 2, worker_logs(dvc)

    logs = {name: dvc("queue", "logs", name) for name in STEPS}
    for name, log in logs.items():
        assert f"{STEPS[name]} steps of 2 patches" in log
        assert stages_run(log) == FROM_TRAINING
        assert stages_unchanged(log) == BEFORE_TRAINING, "the drawn data came from the cache that all copies share"

    assert workspace(dvc) == before
    assert dvc.git("diff", "--name-only").split() == ["src/vesselbench/stages/train.py"]
    found = experiments(dvc)
    revisions = ["main", *(found[name] for name in STEPS)]
    results = [json.loads(dvc.git("show", f"{revision}:metrics/tables/phantom.json")) for revision in revisions]
    assert len({result["iternet"]["whole"]["0"]["fov"]["auc"] for result in results}) == 3, "each has its own weights"
    assert len({json.dumps(result["second_observer"]) for result in results}) == 1, "and all have the same data"


def workspace(dvc: Repository) -> dict[str, str]:
    """Digest of all files that a person sees."""
    return {
        path: digest
        for path, digest in contents(dvc.folder).items()
        if path.split("/")[0] not in (".dvc", ".git") and "__pycache__" not in path
    }
