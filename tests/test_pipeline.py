"""dvc.yaml and params.yaml against the code: a stage lists what it imports, and declares what it reads."""

import ast
import json
import re
from functools import cache
from itertools import chain
from os.path import commonpath
from pathlib import Path

import pytest
import yaml

from vesselbench.config import parse
from vesselbench.datasets.source import source_names
from vesselbench.imports import import_closure
from vesselbench.prediction.predict import Mode
from vesselbench.training.recipe import Recipe

ROOT = Path(__file__).parents[1]
CODE = ROOT / "src/vesselbench"
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
STAGES = {word: stage.get("do", stage) for word, stage in PIPELINE.items()}
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
RUNS = PARAMS["runs"]
# Code whose changes cannot move a result; and networks, which stand behind data/networks/<model>.json.
LEFT_OUT = ("config.py", "files.py", "device.py", "imports.py", "stages/entry.py", "models/")


@cache
def resolved() -> dict[str, dict]:
    """Every stage by DVC's name, ``train@drive-iternet-0``, its lists resolved as DVC does."""
    found = {}
    for word, stage in STAGES.items():
        over = PIPELINE[word].get("foreach")
        for key, item in PARAMS[over[2:-1]].items() if over else [("", {})]:
            values = {"key": key} | {f"item.{name}": value for name, value in item.items()}
            text = re.sub(r"\$\{(.+?)\}", lambda match, own=values: str(own[match[1]]), json.dumps(stage))
            found[f"{word}@{key}".rstrip("@")] = json.loads(text)
    return found


def outputs(stage: dict) -> set[str]:
    outs = [out for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
    return {path for out in outs for path in (out if isinstance(out, dict) else [out])}


def upstream(start: str) -> set[str]:
    """Names of the stages that a stage needs: itself, and those that make what it reads, and so on."""
    stages, waiting, seen = resolved(), [start], set()
    while waiting:
        seen.add(name := waiting.pop())
        for dep in stages[name]["deps"]:
            for other, stage in stages.items():
                nested = any(commonpath([dep, out]) in (dep, out) for out in outputs(stage))
                waiting += [other] * (nested and other not in seen)
    return seen


def imported(word: str) -> set[str]:
    """Files of the package that a stage needs, data sets among them, which download finds by name."""
    modules = [f"stages.{word}"]
    for name in source_names() if word == "download" else []:
        modules.append(f"datasets.{name}" + ".source" * (CODE / "datasets" / name).is_dir())
    files = {path for module in modules for path in import_closure(f"vesselbench.{module}")}
    return {path.relative_to(CODE).as_posix() for path in files}


@pytest.mark.parametrize("word", STAGES)
def test_listed_code_is_what_a_stage_imports(word):
    listed = {dep.removeprefix("src/vesselbench/") for dep in STAGES[word]["deps"] if dep.startswith("src/")}
    covering = {file: {dep for dep in listed if f"{file}/".startswith(f"{dep}/")} for file in imported(word)}
    left_out = [name for name in LEFT_OUT if word != "network" or name != "models/"]
    assert {file for file, deps in covering.items() if not deps and not file.startswith(tuple(left_out))} == set()
    assert listed - set().union(*covering.values()) == set(), "listed, but not imported"
    assert [dep for dep in listed if "/" in dep and not dep.endswith(".py")] == [], "top folders, or files"


@pytest.mark.parametrize("word", STAGES)
def test_a_stage_declares_the_parameters_that_it_reads(word):
    python, flag, module, *values = STAGES[word]["cmd"].split()
    assert (python, flag, module) == ("python", "-m", f"vesselbench.stages.{word}"), "one word everywhere"
    called = ("predict", "evaluate") if word == "transfer" else ()
    trees = [ast.parse((CODE / f"stages/{one}.py").read_text()) for one in (word, *called)]
    (main,) = [node for node in trees[0].body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    value_of = dict(zip([argument.arg for argument in main.args.args], values, strict=True))
    read = set()
    for node in chain(*map(ast.walk, trees)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "read_params":
            for key in node.args:
                parts = key.values if isinstance(key, ast.JoinedStr) else [key]
                read.add("".join(p.value if isinstance(p, ast.Constant) else value_of[p.value.id] for p in parts))
    assert read == set(STAGES[word].get("params", []))


def test_expensive_stages_have_cached_outputs_only():
    for word in ("download", "fov", "network", "train", "predict", "evaluate", "observer"):
        assert all(isinstance(out, str) for out in STAGES[word]["outs"]), word


def test_the_table_of_the_phantom_needs_no_other_data_set():
    names = upstream("table@phantom")
    assert {name.split("@")[0] for name in names} == set(STAGES) - {"gallery", "summary", "transfer"}
    assert not [name for name in names for other in ("drive", "chase_db1", "stare") if other in name]


@pytest.mark.parametrize("run", RUNS)
def test_no_score_flows_back_into_what_is_scored(run):
    words = {name.split("@")[0] for name in upstream(f"predict@{run}")}
    assert words == {"download", "split", "fov", "network", "train", "predict"}


@pytest.mark.parametrize("run", RUNS)
def test_a_run_names_what_there_is_and_is_named_by_it(run):
    line = RUNS[run]
    assert line.keys() == {"data", "split", "model", "seed", "recipe"}
    assert re.fullmatch(rf"{line['data']}-\w+-{line['seed']}", run), "<data>-<label>-<seed>"
    assert line["data"] in PARAMS["sources"]
    assert PARAMS["splits"][line["split"]]["data"] == line["data"]
    assert line["model"] in PARAMS["models"]
    assert line["recipe"] in PARAMS["train"].keys() & PARAMS["predict"].keys()
    same = [other for name, other in RUNS.items() if name.rsplit("-", 1)[0] == run.rsplit("-", 1)[0]]
    assert all(other == line | {"seed": other["seed"]} for other in same), "a label is one row: only seeds differ"


def test_published_runs_are_run_and_learn():
    assert all(PARAMS["train"][RUNS[run]["recipe"]]["steps"] for run in PARAMS["published"])


@pytest.mark.parametrize("name", PARAMS["train"])
def test_a_recipe_is_whole_and_its_values_are_of_their_types(name):
    recipe = parse(Recipe, PARAMS["train"][name], f"train.{name}")
    assert recipe.model_dump(mode="json", exclude_unset=True) == PARAMS["train"][name]


@pytest.mark.parametrize(("name", "mode"), [(name, mode) for name, own in PARAMS["predict"].items() for mode in own])
def test_a_mode_is_valid(name, mode):
    parse(Mode, PARAMS["predict"][name][mode], f"predict.{name}.{mode}")
    assert re.fullmatch(r"\w+", mode)


@pytest.mark.parametrize("group", ["runs", "sources", "splits", "models", "train", "predict"])
def test_no_two_entries_share_a_mapping(group):
    """Or ``dvc exp run -S`` would change both where one is meant: merge it anew, ``{<<: *name}``."""
    owners, waiting = {}, [(name, entry) for name, entry in PARAMS[group].items()]
    while waiting:
        name, node = waiting.pop()
        assert owners.setdefault(id(node), name) == name
        waiting += [(name, child) for child in node.values() if isinstance(child, dict)]


def test_sizes():
    def lines(*files: Path) -> int:
        return sum(len(file.read_text().splitlines()) for file in files)

    code = [path for path in CODE.rglob("*.py") if path.stat().st_size]
    assert lines(ROOT / "dvc.yaml") <= 170
    assert lines(ROOT / "params.yaml") <= 360
    assert (ROOT / "README.md").stat().st_size <= 11 * 1024
    assert lines(*code) <= 9700
    assert len(code) <= 88
    assert lines(*(ROOT / "tests").rglob("*.py")) <= 8350
