"""dvc.yaml against the code: what a stage lists is what it imports, and what it declares is what it reads."""

import ast
import hashlib
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from vesselbench.imports import import_closure

ROOT = Path(__file__).parents[1]
EVERY = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]
GROUPS = ("more_", "ablation_", "variant_")  # stages once more, on lists of their own
STAGES = {name: stage for name, stage in EVERY.items() if not name.startswith(GROUPS)}
SOURCES = "src/vesselbench/data/sources"
# Code that a stage finds by name while it runs, which imports cannot show, and tables that it reads from the package.
FOUND_BY_NAME = {
    "download": [f"{SOURCES}/${{item.dataset}}"],
    "network": ["src/vesselbench/models"],
    "table": ["src/vesselbench/reports/reported.csv"],
    "summary": ["src/vesselbench/reports/reported.csv"],
    "ablations": ["src/vesselbench/reports/reported.csv"],
    "card": [f"{SOURCES}/${{item.dataset}}"],
}


def code_deps(word: str) -> set[str]:
    return {dep for dep in STAGES[word]["deps"] if dep.startswith("src/")}


def needed(word: str) -> set[str]:
    files = {path.relative_to(ROOT).as_posix() for path in import_closure(f"vesselbench.stages.{word}")}
    if word == "download":  # what each source imports beside its own folder
        for source in (ROOT / SOURCES).glob("*/source.py"):
            module = f"vesselbench.data.sources.{source.parent.name}.source"
            files |= {path.relative_to(ROOT).as_posix() for path in import_closure(module)}
        files = {file for file in files if not file.startswith(SOURCES)}
    found = set(FOUND_BY_NAME.get(word, []))
    return {file for file in files if not any(file.startswith(f"{folder}/") for folder in found)} | found


@pytest.mark.parametrize("word", STAGES)
def test_listed_code_is_the_import_closure(word):
    assert code_deps(word) == needed(word)


def as_written(part: ast.Constant | ast.FormattedValue) -> str:
    """Turn a part of a key in the code into what stands for it in dvc.yaml."""
    if isinstance(part, ast.Constant):
        return part.value
    return "${run.budget}" if part.value.id == "budget" else f"${{item.{part.value.id}}}"


@pytest.mark.parametrize("word", STAGES)
def test_declared_params_are_those_read(word):
    read = set()
    for node in ast.walk(ast.parse((ROOT / f"src/vesselbench/stages/{word}.py").read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "read_params":
            for key in node.args:
                read.add("".join(map(as_written, key.values if isinstance(key, ast.JoinedStr) else [key])))
    assert read == set(STAGES[word].get("params", []))


def test_only_stages_read_params():
    readers = [path for path in (ROOT / "src").rglob("*.py") if "read_params(" in path.read_text()]
    assert {path.parent.name for path in readers} == {"stages", "bench", "vesselbench"}
    assert [path.name for path in readers if path.parent.name == "vesselbench"] == ["config.py"]


def test_a_stage_is_one_word_everywhere():
    for word, stage in STAGES.items():
        assert stage["cmd"].split()[:3] == ["python", "-m", f"vesselbench.stages.{word}"]
        arguments = stage["cmd"].split()[3:]
        roots = ["${root}"] if "vars" in stage else []
        assert arguments == [f"${{item.{name}}}" for name in stage.get("matrix", {})] + roots


def test_a_group_repeats_its_stages_but_for_lists_and_root():
    for name in EVERY.keys() - STAGES.keys():
        own, base = EVERY[name], STAGES[name.split("_", 1)[1]]
        differs = {"matrix", "vars"} if not name.startswith("more_") else {"matrix"}
        assert {key for key in own | base if own.get(key) != base.get(key)} <= differs, name
        assert list(own["matrix"]) == list(base["matrix"]), name


def test_expensive_stages_have_cached_outputs_only():
    for word in ("download", "fov", "network", "train", "predict", "threshold", "evaluate", "observer"):
        assert all(isinstance(out, str) for out in STAGES[word]["outs"]), word


def test_every_list_of_run_names_an_entry():
    params = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    assert set(params["run"]["datasets"]) == set(params["datasets"])
    run = params["run"]
    lists = (run["models"], run["more"]["models"], run["ablations"]["models"])
    models = [model for names in lists for model in names]
    assert len(models) == len(set(models)) <= len(params["models"]), "each in one list only: it has one stage"
    assert set(models) <= set(params["models"])
    assert set(run["variants"]["models"]) <= set(run["models"])
    assert {*run["more"]["datasets"], *run["ablations"]["datasets"]} <= set(run["datasets"])
    for dataset in params["datasets"]:
        assert dataset in params["train"]
        assert set(params["predict"][dataset]) >= {*run["modes"], *run["variants"]["modes"]}
    names = [*params["datasets"], *params["models"], *run["modes"], *run["variants"]["modes"]]
    assert not [name for name in names if "-" in name], "DVC joins names by '-': it would mix them up silently"


def test_the_table_of_the_phantom_needs_no_other_data_set():
    with Repo(str(ROOT)) as repo:
        waiting, seen = ["table@phantom"], set()
        outs = {out.def_path: stage for stage in repo.index.stages for out in stage.outs}
        stages = {stage.addressing: stage for stage in repo.index.stages}
        while waiting:
            name = waiting.pop()
            seen.add(name)
            for dep in stages[name].deps:
                makers = {s.addressing for out, s in outs.items() if f"{dep.def_path}/".startswith(f"{out}/")}
                makers |= {s.addressing for out, s in outs.items() if out.startswith(f"{dep.def_path}/")}
                waiting += sorted(makers - seen)
    assert len(seen) > 10
    assert {name.split("@")[0] for name in seen} == set(STAGES) - {"summary", "ablations", "weights", "card"}
    assert not [name for name in seen if any(other in name for other in ("drive", "chase_db1", "stare"))]


def test_the_readme_shows_the_figures_of_the_locked_run():
    outs = YAML(typ="safe").load((ROOT / "dvc.lock").read_text())["stages"]["table@phantom"]["outs"]
    (locked,) = [out["md5"] for out in outs if out["path"] == "plots/gallery/phantom.png"]
    shown = (ROOT / "docs/images/gallery_phantom.png").read_bytes()
    assert hashlib.md5(shown).hexdigest() == locked, "copy plots/gallery/phantom.png to docs/images/gallery_phantom.png"


@pytest.mark.parametrize(
    ("file", "before"),
    [("tables/phantom.md", "## Inside the field of view\n\n"), ("summary.md", "claimed, and ours\n\n")],
)
def test_the_readme_prints_the_committed_table(file, before):
    table = (ROOT / "metrics" / file).read_text().split(before)[1].split("\n\n")[0]
    assert table in (ROOT / "README.md").read_text()
