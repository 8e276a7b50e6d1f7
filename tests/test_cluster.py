"""The command ``vesselbench run`` on a pipeline of shell commands: what runs, and what it does with every fault."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
import yaml

from shell_pipeline import ENVIRONMENT, finish, lay_out, run, start, status, wait_for, write_params
from vesselbench import cluster


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The pipeline in a folder of its own, as the working one."""
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path)
    write_params()
    return tmp_path


def guard_of(process, words):
    """Find the process that runs a stage's command, among the offspring of a run."""
    for each in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.Error):  # another one may end in this moment
            line = " ".join(each.cmdline())
            if "guard.py" in line and words in line:
                return each
    raise AssertionError(f"nothing runs {words}")


def test_all_stages_run_on_two_workers_and_only_what_changed_runs_again(folder):
    code, printed = run("--workers", "2")
    assert code == 0, printed
    assert Path("last.txt").read_text() == "first\nright\n"
    assert Path(".dvc/tmp/run/right.log").read_text() == "1\n"
    assert printed.count("start ") == printed.count("end ") == 6
    assert printed.endswith("6 run\n")


@pytest.mark.slow
def test_a_target_runs_with_what_it_needs_and_unchanged_outputs_end_a_chain(folder):
    assert run("each")[1].endswith("4 run\n"), "first, right and both of the group"
    assert run("each") == (0, "4 unchanged\n")
    Path("source").write_text("2")
    assert run("each@one")[1].endswith("1 run, 2 unchanged\n"), "first.txt came out as it was"
    Path("one.txt").unlink()
    Path("source").write_text("1")
    assert run("each@one")[1].endswith("2 cached, 1 unchanged\n")
    unknown = "error: nosuch: Stage 'nosuch' not found inside 'dvc.yaml' file; 'dvc stage list' names all stages\n"
    assert run("nosuch") == (1, unknown)


@pytest.mark.slow
def test_a_stage_that_fails_stops_only_those_that_need_it(folder):
    write_params(left="echo why >&2; exit 3")
    code, printed = run()
    assert code == 1
    summary = printed[printed.index("4 run, 1 failed, 1 not run") :].splitlines()
    assert summary[2].startswith("  left: exit status 3 on worker 0 after ")
    assert summary[2].endswith("; log .dvc/tmp/run/left.log")
    assert [line.strip() for line in summary[3:5]] == ["begun", "why"]
    assert summary[-1] == "error: 1 of 6 stages failed; mend that and run the same command again"
    assert not Path("left.txt").exists()
    write_params()
    assert run()[1].endswith("4 unchanged, 2 run\n")
    assert status() == "Data and pipelines are up to date.\n"


@pytest.mark.slow
def test_a_killed_worker_takes_its_stage_along_which_runs_again_elsewhere(folder):
    write_params(left="test -e again || sleep 100")
    process = start("--workers", "2")
    wait_for("left")
    guard = guard_of(process, "sleep 100")
    stage, worker = guard.children(recursive=True), guard.parent()
    Path("again").touch()
    worker.kill()
    assert psutil.wait_procs([guard, *stage], timeout=5)[1] == []
    code, printed = finish(process)
    assert code == 0, printed
    assert printed.count("start left on worker ") == 2
    assert " again, since worker " in printed
    assert status() == "Data and pipelines are up to date.\n"


@pytest.mark.slow
@pytest.mark.parametrize("whole_group", [False, True])
def test_ctrl_c_stops_the_stages_and_the_same_command_goes_on(folder, whole_group):
    write_params(left="test -e again || sleep 100")
    process = start()
    wait_for("left")
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    code, printed = finish(process)
    stopped = "error: stopped; nothing half-written is left, run the same command again"
    assert (code, printed.splitlines()[-1]) == (1, stopped)
    assert "stop  left: exit status 130 on worker 0" in printed
    assert not Path("left.txt").exists()
    Path("again").touch()
    assert run()[0] == 0
    assert status() == "Data and pipelines are up to date.\n"


@pytest.mark.slow
def test_two_runs_at_once_and_other_dvc_commands_in_one_folder(folder):
    write_params(left="sleep 8")
    process = start()
    wait_for("left")
    line = "error: another 'vesselbench run' works in this folder; wait for it, or stop it\n"
    assert run() == (1, line)
    command = [sys.executable, "-m", "dvc", "repro", "--single-item", "left"]
    repro = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert "vesselbench run (left)" in repro.stderr
    assert finish(process)[0] == 0


@pytest.mark.slow
def test_nothing_outlives_a_run_that_is_killed(folder):
    write_params(left="sleep 100")
    process = start()
    wait_for("left")
    offspring = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    assert psutil.wait_procs(offspring, timeout=10)[1] == []
    process.communicate()
    write_params()
    assert run()[0] == 0, "no lock is left"


@pytest.mark.parametrize(("text", "fault"), [
    ("slrum: {cores: 1}", "module 'dask_jobqueue' has no attribute 'SLRUMCluster'"),
    ("slurm: {cores: 1, memory: 1GB, quue: x}", "Got unexpected keyword argument 'quue'"),
    ("[slurm]", "'list' object has no attribute 'items'"),
])  # fmt: skip
def test_a_wrong_cluster_file_is_answered_with_one_line(folder, text, fault):
    pytest.importorskip("dask_jobqueue")
    Path("cluster.yaml").write_text(text)
    advice = "it takes slurm, pbs, sge, lsf or scheduler with its arguments; see docs/cluster.md"
    assert run("--cluster", "cluster.yaml") == (1, f"error: cluster.yaml: {fault}: {advice}\n")


@pytest.mark.parametrize(("gpus", "visible", "words", "expected"), [
    (0, None, (None, None), [({"cores": 8}, {})]),
    (0, None, (3, 2), [({"cores": 2}, {})] * 3),
    (2, "4,7", (None, 3), [({"cores": 4, "gpu": 3}, {"CUDA_VISIBLE_DEVICES": gpu}) for gpu in "47"]),
    (2, None, (3, None), [({"cores": 2, "gpu": 1}, {"CUDA_VISIBLE_DEVICES": gpu}) for gpu in "010"]),
])  # fmt: skip
def test_workers_share_the_cores_and_gpus_of_a_machine(monkeypatch, gpus, visible, words, expected):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(cluster, "CPU_COUNT", 8)
    monkeypatch.setattr(cluster, "SpecCluster", lambda specs, scheduler, **how: specs)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    specs = [spec["options"] for spec in cluster.start_workers(*words).values()]
    assert [(spec["resources"], spec["env"]) for spec in specs] == expected
    assert all(spec["nthreads"] == spec["resources"]["cores"] for spec in specs), "a thread for each stage"


@pytest.mark.parametrize(("stage", "threads", "gpus", "expected"), [
    ("train@a-0", 3, False, {"cores": 3}),
    ("predict@a-0", 3, True, {"cores": 3, "gpu": 1}),
    ("transfer@b_of_a-0", 3, True, {"cores": 3, "gpu": 1}),
    ("train@a-0", 0, False, {"cores": 4}),
    ("train@a-0", 9, False, {"cores": 4}),
    ("evaluate@a-0", 3, True, {"cores": 1}),
])  # fmt: skip
def test_a_stage_takes_cores_as_its_recipe_has_threads(tmp_path, monkeypatch, stage, threads, gpus, expected):
    monkeypatch.chdir(tmp_path)
    lines = {"runs": {"a-0": {"recipe": "demo"}}, "transfers": {"b_of_a-0": {"weights": "a-0"}}}
    Path("params.yaml").write_text(yaml.safe_dump(lines | {"train": {"demo": {"threads": threads}}}))
    stage = SimpleNamespace(addressing=stage)
    assert cluster.needs_of(stage, 4, gpus) == expected
