"""Safe by construction: what no file of the project may do, and what no committed table may hold.

Code is read as a syntax tree, so that a comment or a text about `pickle` is no finding and an alias is one.
"""

import ast
import json
import re
import subprocess
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import torch

from conftest import CONFIG
from fixtures import make_raw
from recourse_segregation import classifiers, contracts, data, population
from recourse_segregation.data import compas
from workflow_tools import ROOT

# --- what the project is ------------------------------------------------------------------------------------


@cache
def tracked() -> tuple[Path, ...]:
    """Every committed file; all files of a copy without history."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True)
    if listed.returncode == 0:
        return tuple(ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())
    hidden = {".git", ".venv", ".snakemake", "__pycache__"}
    return tuple(f for f in ROOT.rglob("*") if f.is_file() and not hidden.intersection(f.parts))


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def code() -> dict[str, str]:
    """Every Python file and the code of every notebook: name -> source."""
    found = {}
    for file in tracked():
        if file.suffix == ".py":
            found[named(file)] = file.read_text(encoding="utf-8")
        elif file.suffix == ".ipynb":
            cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
            sources = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
            found[named(file)] = "\n".join(sources)
    return found


# --- code ---------------------------------------------------------------------------------------------------

#: modules that run code when they read data
UNSAFE_MODULES = {"pickle", "_pickle", "dill", "cloudpickle", "joblib", "jsonpickle", "shelve", "marshal"}
#: functions that run text, or hand it to a shell, or unpack to wherever an archive says
UNSAFE_CALLS = re.compile(
    r"(eval|exec|compile|__import__|os\.(system|popen|exec\w+|spawn\w+)|subprocess\.get(status)?output|tempfile\.mktemp"
    r"|yaml\.(unsafe_|full_)?load(_all)?|yaml\.unsafe_load|pandas\.read_pickle|shutil\.unpack_archive"
    r"|ssl\._create_unverified_context|(.+\.)?(extractall|to_pickle)|(.+(?<!\.str)\.)?extract)"
)
#: keyword -> the only value that it may have
SAFE_KEYWORDS = {"shell": False, "allow_pickle": False, "verify": True, "weights_only": True}


def unsafe(source: str) -> list[str]:
    """What a source does that the project does not do: `line: what`."""
    tree = ast.parse(source)
    aliases, found = {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) and node.module else ""
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{prefix}{alias.name}"
                if f"{prefix}{alias.name}".split(".")[0] in UNSAFE_MODULES and not getattr(node, "level", 0):
                    found.append(f"{node.lineno}: import {prefix}{alias.name}")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        first, _, rest = ast.unparse(node.func).partition(".")
        name = ".".join(filter(None, [aliases.get(first, first), rest]))
        keywords = {k.arg: k.value.value if isinstance(k.value, ast.Constant) else ... for k in node.keywords}
        if UNSAFE_CALLS.fullmatch(name):
            found.append(f"{node.lineno}: {name}")
        if name == "torch.load" and keywords.get("weights_only") is not True:
            found.append(f"{node.lineno}: torch.load without weights_only=True")
        words = node.args[0].elts if node.args and isinstance(node.args[0], ast.List) else []
        if {"sh", "bash", "/bin/sh", "/bin/bash"}.intersection(w.value for w in words if isinstance(w, ast.Constant)):
            found.append(f"{node.lineno}: shell=True")
        found += [f"{node.lineno}: {k}={keywords[k]}" for k, v in SAFE_KEYWORDS.items() if keywords.get(k, v) is not v]
    return found


SOURCE = """
import os, re, shutil, subprocess, requests, torch, yaml, numpy as np, pandas as pd, torch as t
from os import system
from yaml import unsafe_load
import pickle  # unsafe
from joblib import load  # unsafe
np.load('x', allow_pickle=True)  # unsafe
np.load('x', allow_pickle=flag)  # unsafe
torch.load('x')  # unsafe
torch.load('x', weights_only=True)
t.load('x', weights_only=False)  # unsafe
pd.read_pickle('x')  # unsafe
frame.to_pickle('x')  # unsafe
subprocess.run(f'rm {x}', shell=True)  # unsafe
subprocess.run(['sh', '-c', text])  # unsafe
subprocess.run(['git', 'status'], check=True)
os.system('ls')  # unsafe
system('ls')  # unsafe
eval('1')  # unsafe
model.eval()
exec(text)  # unsafe
re.compile('x')
yaml.load(text, Loader=yaml.Loader)  # unsafe
yaml.safe_load(text)
unsafe_load(text)  # unsafe
zipfile.ZipFile(x).extractall(folder)  # unsafe
shutil.unpack_archive('x.zip')  # unsafe
requests.get(url, verify=False)  # unsafe
text = 'import pickle'  # torch.load
"""


def test_what_is_unsafe_is_found_and_nothing_else():
    wrong = {number for number, line in enumerate(SOURCE.splitlines(), 1) if line.endswith("# unsafe")}
    assert {int(found.partition(":")[0]) for found in unsafe(SOURCE)} == wrong
    assert len(unsafe("from torch import load\nload('x')")) == 1


def test_no_code_of_the_project_is_unsafe():
    assert len(code()) > 100
    for name, source in code().items():
        # A test may run the commands and the code of a document as a reader would.
        allowed = ("shell=True", "exec", "eval") if name.startswith("tests/") else ()
        assert [problem for problem in unsafe(source) if not problem.endswith(allowed)] == [], name


def test_weights_are_loaded_and_code_is_not(tmp_path):
    class Touch:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    torch.save({0: Touch()}, tmp_path / "classifier.pt")
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        classifiers.load(tmp_path / "classifier.pt")
    assert not (tmp_path / "ran").exists()


# --- rules --------------------------------------------------------------------------------------------------


def rules() -> dict[str, str]:
    return {named(f): f.read_text(encoding="utf-8") for f in tracked() if f.name == "Snakefile" or f.suffix == ".smk"}


def test_no_rule_hands_anything_to_a_shell():
    assert len(rules()) > 5
    assert [name for name, source in rules().items() if re.search(r"\bshell\b", source)] == []


def test_stages_hand_over_data_and_no_objects():
    """Tables, JSON, weights and pages: nothing that runs when it is read."""
    written = {path for source in rules().values() for path in re.findall(r'"(results/[^"]*\.\w+)"', source)}
    assert len(written) > 10
    data_only = {".parquet", ".json", ".csv", ".tsv", ".pt", ".ipynb", ".html"}
    assert {path for path in written if Path(path).suffix not in data_only} == set()


# --- downloads and packages ---------------------------------------------------------------------------------


def test_one_module_reaches_the_network():
    """`sources` refuses what is not https; nothing else in the library or the scripts opens a connection."""
    doors = {"requests", "urllib.request", "urllib3", "http.client", "ftplib", "socket", "pooch"}
    opened = set()
    for name, source in code().items():
        if name.startswith("workflow/"):
            nodes = list(ast.walk(ast.parse(source)))
            imported = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
            imported |= {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module}
            opened |= {name for module in imported if module in doors}
    assert opened == {"workflow/src/recourse_segregation/sources.py"}


def test_packages_are_installed_by_their_hashes():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    locked = [line for line in makefile.splitlines() if "pip install" in line and "requirements.lock" in line]
    assert locked
    assert all("--require-hashes" in line for line in locked)
    packages = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / "envs" / "requirements.lock").read_text(encoding="utf-8").strip())
    assert all("--hash=sha256:" in package for package in packages)


# --- people -------------------------------------------------------------------------------------------------

#: columns of COMPAS that say who somebody is
PERSONAL = {"id", "name", "first", "last", "dob", "c_case_number", "r_case_number", "vr_case_number"}
#: what such cells look like: a case number of the county, a day in the last century
PERSONAL_VALUES = re.compile(
    r"\b\d{8}(CF|MM|CT|TC|MO|IN)\d\d[A-Z]\b|\b19\d\d-[01]\d-[0-3]\d\b|\b[01]?\d/[0-3]?\d/19\d\d\b"
)
#: words that only those columns are called by; `first` and `name` are ordinary words
TELLING = re.compile(r"\b(dob|c_case_number|r_case_number|vr_case_number)\b")
#: files that speak of these columns, beside the tests: to recognise the raw file, and to say that they are left out
SPEAKING = {"workflow/src/recourse_segregation/data/compas.py", "docs/security.md"}


def test_nothing_personal_is_read_or_leaves_the_preparation(tmp_path):
    """The made-up raw file holds PERSONAL in every cell that nobody needs."""
    assert set(compas._COLUMNS) >= PERSONAL
    assert not PERSONAL.intersection(compas._FIELDS)
    assert not PERSONAL.intersection(f.name for f in compas.DATASET.features)
    make_raw.write("compas", tmp_path, rows=400)
    frame = compas.DATASET.read(tmp_path)
    assert make_raw.PERSONAL not in frame.to_csv() + repr(frame.attrs) + repr(compas.DATASET)
    for attribute in compas.DATASET.sensitive:
        people = population.prepare("compas", compas.DATASET, attribute, 0, 400, 0.25, frame)
        table = people.table
        assert not PERSONAL.intersection(table.columns)
        words = {column: set(table[column]) for column in table.columns if table[column].dtype == "str"}
        assert words.keys() == {"population", "split", "group"}
        assert words["group"] == set(people.encoding.groups)
        assert make_raw.PERSONAL not in table.to_csv()


def test_no_committed_file_names_such_a_column_or_looks_like_its_cells():
    found = [file for file in tracked() if file.suffix not in (".png", ".parquet")]
    assert len(found) > 100
    for file in found:
        name, text = named(file), file.read_text(encoding="utf-8", errors="replace")
        assert not re.search(r"adult\.(data|test)|compas-scores|german\.data|cs-training|law_data", name), "a raw file"
        speaks = name in SPEAKING or (name.startswith("tests/") and name.endswith(".py"))
        assert speaks or not TELLING.search(text), name
        heads = set(re.findall(r"<th[^>]*>([^<]*)</th>", text))
        assert not (PERSONAL - {"name"}).intersection(heads), name
        if file.suffix in (".csv", ".html", ".ipynb", ".json", ".md", ".svg"):
            assert not PERSONAL_VALUES.search(text), f"{name}: {PERSONAL_VALUES.search(text)}"

    shown = "13011352CF10A, 1947-04-18, 04/18/1947, 2013-04-18, 0.19470418, 1947"
    assert [cell[0] for cell in PERSONAL_VALUES.finditer(shown)] == shown.split(", ")[:3]


def test_no_committed_table_has_somebody_and_its_words_are_declared():
    """Names of groups and cells come from the code and the configuration; no cell of a raw file is among them."""
    groups = {level for n in data.names() for s in data.load(n).sensitive.values() for level in s.levels}
    declared = {
        "population": {*CONFIG["populations"], "all"},
        "classifier": set(CONFIG["classifiers"]),
        "method": {*CONFIG["methods"], contracts.BEFORE},
        "scenario": set(CONFIG["scenarios"]),
        "group": groups,
        "split": {"train", "test"},
        "phase": {"before", "after", "change"},
    }
    readers = {".csv": pd.read_csv, ".parquet": pd.read_parquet}
    found = {named(f): readers[f.suffix](f) for f in tracked() if f.suffix in readers}
    assert len(found) > 1
    for name, table in found.items():
        assert not (PERSONAL | {"individual"}).intersection([*table.columns, *table.index.names]), name
        for column in declared.keys() & set(table.columns) if name.startswith("results/") else ():
            unknown = set(table[column].dropna()) - declared[column]
            assert not unknown, f"{name}, {column}: {unknown}"
