"""A pipeline of shell commands, and ``vesselbench run`` in it as a process."""

import os
import subprocess
import sys
import time
from pathlib import Path

PIPELINE = """
stages:
  first: {cmd: 'echo first > first.txt', deps: [source], outs: [first.txt]}
  left: {cmd: 'echo begun; ${left}; cat first.txt > left.txt', deps: [first.txt], outs: [left.txt: {cache: false}]}
  right: {cmd: 'echo $OMP_NUM_THREADS; ${right}; echo right > right.txt', deps: [first.txt], outs: [right.txt]}
  last: {cmd: 'cat left.txt right.txt > last.txt', deps: [left.txt, right.txt], outs: [last.txt]}
  each: {foreach: [one, two], do: {cmd: 'echo ${item} > ${item}.txt', deps: [right.txt], outs: ['${item}.txt']}}
"""
CODE = "from vesselbench.cli import main; main()"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
ENVIRONMENT |= {f"DVC_{kind}_DIR": ".dvc/private" for kind in ("GLOBAL_CONFIG", "SITE_CACHE", "SYSTEM_CONFIG")}


def lay_out(folder):
    """Lay the pipeline out for DVC: nothing has run yet."""
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "source").write_text("1")


def write_params(left="true", right="true"):
    Path("params.yaml").write_text(f"left: {left}\nright: {right}\n")


def start(*words):
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "env": ENVIRONMENT}
    return subprocess.Popen([sys.executable, "-c", CODE, "run", *words], start_new_session=True, **how)


def finish(process):
    printed, _ = process.communicate(timeout=60)
    assert "Traceback" not in printed
    return process.returncode, printed


def run(*words):
    return finish(start(*words))


def status():
    return subprocess.run(
        [sys.executable, "-m", "dvc", "status"], env=ENVIRONMENT, capture_output=True, text=True
    ).stdout


def wait_for(log, text="begun"):
    """Wait until a stage's log has a text: the stage runs."""
    path, end = Path(f".dvc/tmp/run/{log}.log"), time.monotonic() + 30
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < end
        time.sleep(0.02)
