"""A small made-up run for the tests of the exhibits: two methods, one of which finds no recourse."""

import numpy as np
import pandas as pd

from recourse_segregation import comparison, contracts, names
from recourse_segregation.data import Feature
from recourse_segregation.population import Encoding

SEX = ("female", "male")
FEATURES = (Feature("sex", "binary", SEX, True), Feature("x1", "continuous"), Feature("x2", "continuous"))
ENCODING = Encoding("synthetic", FEATURES, "sex", SEX, "male")
PUBLISHED = """exhibit,population,method,phase,metric,value,source
synthetic,synthetic,none,before,atkinson,0.500000,source
synthetic,synthetic,wachter,after,atkinson,0.600000,source
synthetic,synthetic,face,after,cost,0.300000,source
real,law-sex,none,before,atkinson,0.032,source
"""
METHODS = ("wachter", "face")
LABELS = {
    "population": {"synthetic": "Synthetic", "law-sex": "Law school by sex"},
    "classifier": {"linear": "linear classifier", "mlp": "MLP classifier"},
    "method": {"wachter": "Wachter", "face": "FACE", "wachter-compatible": "Wachter as CARLA"},
    "scenario": {"default": "Default", "drop": "Unresolved dropped"},
}


def cell(method, change=0.1, seeds=(0, 1, 2), scenario="default", population="synthetic", classifier="linear", **other):
    """`measures` of one method in one scenario: every index is 0.5 before, and changes by `change`.

    change: a number, or a function of the seed. other: the value of a single metric after recourse.
    """
    rows = []
    for seed in seeds:
        after = 0.5 + (change(seed) if callable(change) else change)
        for metric in (*names.INDICES, "atkinson_released"):
            for scope in ("everyone", "recipients", "accepted"):
                before = method if scope == "recipients" else contracts.BEFORE
                rows.append((before, seed, "before", scope, metric, 0.5))
                rows.append((method, seed, "after", scope, metric, other.get(metric, after)))
        for metric in names.QUALITY:
            value = {"cost": 1.0, "found": 1.0}.get(metric, 0.25)
            rows.append((method, seed, "after", "recipients", metric, other.get(metric, value)))
    table = pd.DataFrame(rows, columns=["method", "seed", "phase", "scope", "metric", "value"])
    table["note"] = np.where(table["value"].isna(), "nobody <found>", "")
    table = table.assign(population=population, classifier=classifier, scenario=scenario, n=4)
    return table[list(contracts.CONTRACTS["measures"])]


def measures(seeds=(0, 1), **which):
    """Every index rises by 0.1 × (seed + 1) after recourse; face finds nobody: its cost is not defined."""
    lost = dict.fromkeys(set(names.QUALITY) - {"found"}, np.nan)
    cells = [cell(m, lambda seed: 0.1 * (seed + 1), seeds, **which, **o) for m, o in (("wachter", {}), ("face", lost))]
    return pd.concat(cells, ignore_index=True).drop_duplicates()


def study(table, **other):
    """The study that has exactly these measures."""
    lists = {f"{c}s": list(dict.fromkeys(table[c])) for c in ("population", "method", "scenario")}
    lists["methods"].remove(contracts.BEFORE)
    decided_by = {p: sorted(set(part["classifier"])) for p, part in table.groupby("population")}
    lists |= {"classifiers": decided_by, "decided_by": decided_by}
    return {**lists, "seeds": int(table["seed"].max()) + 1, "variant_of": {}, "options": {}, **other}


def write_run(folder, table, **studies):
    """A results folder with the tables that the notebooks read; without studies, all of it is `main`."""
    contracts.write_json({"studies": studies or {"main": study(table)}, "labels": LABELS}, folder / "run.json")
    contracts.write(table, folder / "measures.parquet", "measures")
    table = table[table["method"] != contracts.BEFORE]
    cells = table[["population", "seed", "classifier", "method"]].drop_duplicates()
    quantities = {"fit_seconds": 1.5, "search_seconds": 0.25, "rejected": 2, "found": 2, "nothing found": 0}
    diagnostics = [cells.assign(quantity=quantity, value=float(value)) for quantity, value in quantities.items()]
    contracts.write(pd.concat(diagnostics), folder / "diagnostics.parquet", "diagnostics")
    groups = table[["population", "seed", "classifier"]].drop_duplicates()
    halves = pd.MultiIndex.from_product([("test", "train"), SEX[::-1]], names=["split", "group"]).to_frame(index=False)
    counts = groups.merge(halves, how="cross").assign(individuals=4, favourable=2, accepted=3, correct=3)
    counts["minority"] = counts["group"] == "male"
    contracts.write(counts, folder / "classifiers.parquet", "classifiers")
    (folder / "published.csv").write_text(PUBLISHED, encoding="utf-8")
    published = comparison.read_published(folder / "published.csv")
    table = contracts.read(folder / "measures.parquet", "measures")
    compared = comparison.compare(table, published, 0.003, 0.1)
    reruns = {name: {"population": name, "draws": 1} for name in set(table["population"])}
    candidates = comparison.candidates(compared, comparison.predict(table, reruns))
    contracts.write_csv(candidates, folder / "comparison_candidates.csv")
    judged = comparison.judge(compared, candidates, {"synthetic": 2, "real": 2})
    contracts.write_csv(judged, folder / "comparison.csv")
    write_claims(folder)
    seeds = sorted(set(table["seed"]))
    for population in set(table["population"]):
        write_people(folder / population / f"seeds-0-{seeds[-1]}", seeds)


def write_claims(folder):
    """One claim on one population: one test that holds, and one over too few seeds."""
    about = {"claim": "lowers", "part": 2, "statement": "It leaves the groups < segregated.", "indices": "paper"}
    counts = {"tests": 2, "in_favour": 1, "undecided": 1, "evidence": "1 of 1 tests show it."}
    verdicts = {"all": "supported", "synthetic": "undecided"}
    rows = [
        about | {"population": p, "verdict": v, "verdict_overlap": "not supported", "verdict_relevant": v} | counts
        for p, v in verdicts.items()
    ]
    other = {"claim": "finds", "part": 3, "statement": "It finds it.", "indices": ""}
    rows += [rows[0] | {"indices": "groups", "verdict": "contradicted"}, rows[0] | other]
    contracts.write_csv(pd.DataFrame(rows), folder / "claims.csv")
    test = {"population": "synthetic", "reference": "", "metric": "atkinson", "expected": "less segregated: < before"}
    numbers = {"seeds": 20, "mean": -0.1, "low": -0.2, "high": -0.05, "p_holm": 0.0002, "holds": "yes"}
    numbers |= {"p_overlap_holm": 0.3, "p_small": 1.0}
    unknown = dict.fromkeys(("low", "high", "p_holm"), np.nan) | {"seeds": 1, "holds": "undecided"}
    tests = [about | test | {"method": method} | numbers for method in METHODS]
    contracts.write_csv(pd.DataFrame([tests[0], tests[1] | unknown]), folder / "claims_evidence.csv")
    contracts.write_csv(pd.DataFrame({"population": ["synthetic"], "seeds": 3, "overlap": 0.0}), folder / "overlap.csv")
    choice = about | {"shuffled": False, "scope": "everyone", "scenario": "default", "populations": "published"}
    choice |= {
        "seeds": 5,
        "overlap": False,
        "relevant": False,
        "tests": 4,
        "in_favour": 2,
        "against": 0,
        "undecided": 0,
    }
    rows = [
        choice | {"indices": indices, "overlap": overlap, "verdict": verdict}
        for indices, overlap, verdict in [
            ("paper", False, "supported"),
            ("paper", True, "not supported"),
            ("atkinson", False, "supported"),
            ("atkinson", True, "contradicted"),
        ]
    ]
    contracts.write(pd.DataFrame(rows), folder / "specifications.parquet", "specifications")


def write_people(block, seeds):
    """Four people of train and one of test a seed; two are rejected, one of them moves."""
    people = pd.DataFrame({"individual": range(5), "group": ["female", "male", "female", "male", "male"]})
    people = people.assign(sex=(people["group"] == "male").astype(float), x1=0.2, x2=[0.1, 0.2, 0.8, 0.9, 0.5])
    before = people.assign(split=["train"] * 4 + ["test"], label=[0, 0, 1, 1, 1], population="synthetic")
    tables = [before.assign(seed=s) for s in seeds]
    order = [*contracts.CONTRACTS["population"], *ENCODING.columns]
    contracts.write(pd.concat(tables)[order], block / "population.parquet", "population", ENCODING)
    after = before[:4].assign(scenario="default", accepted=[True, False, True, True])
    after = after.assign(status=["moved", "unresolved", "accepted", "accepted"], x2=[0.7, 0.2, 0.8, 0.9])
    order = [*contracts.CONTRACTS["after"], *ENCODING.columns]
    for method in METHODS:
        table = pd.concat([after.assign(seed=s) for s in seeds])[order]
        contracts.write(table, block / "linear" / method / "after.parquet", "after", ENCODING)
