"""What the Slurm profile says of rules that exist, and asks for beside what was measured."""

import json
import re

import pytest
import yaml

from workflow_tools import ROOT

PROFILE = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text(encoding="utf-8"))
GROUPS = dict(entry.split("=") for entry in PROFILE["groups"])


def rules():
    """(name, body) of every rule that makes a file."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "workflow" / "rules").glob("*.smk")))
    return re.findall(r"^rule (\w+):\n((?:(?: .*)?\n)+)", text, re.MULTILINE)


def test_every_rule_is_in_a_group_or_stays_where_snakemake_runs():
    local = {name for name, body in rules() if "localrule: True" in body}
    assert local == {"download"}
    assert {name for name, _ in rules()} == local | GROUPS.keys()
    assert {entry.split("=")[0] for entry in PROFILE["group-components"]} < set(GROUPS.values())


def test_every_entry_is_commented():
    text = (ROOT / "profiles" / "slurm" / "config.yaml").read_text(encoding="utf-8")
    for key in PROFILE:
        assert re.search(rf"^{key}:.* # \w", text, re.MULTILINE), key


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_a_job_may_use_more_than_was_measured_and_more_again(attempt):
    stages = json.loads((ROOT / "results" / "provenance.json").read_text(encoding="utf-8"))["stages"]
    asked = {rule: wanted for rule, wanted in PROFILE["set-resources"].items() if rule in stages}
    assert asked.keys() == stages.keys() - {"download"}
    for rule, wanted in asked.items():
        memory, minutes = (eval(wanted[name], {"attempt": attempt}) for name in ("mem_mb", "runtime"))
        assert memory >= 1.4 * attempt * stages[rule]["peak_mib"], rule
        assert minutes * 60 >= 2 * attempt * stages[rule]["longest_seconds"], rule
