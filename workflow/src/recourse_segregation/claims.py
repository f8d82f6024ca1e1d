"""The claims of the paper's abstract as tests, each with a verdict.

`workflow/resources/claims.yaml` says what each claim means: for which methods and metrics, compared with what (the
metric before recourse, other methods within the same seed, or a number), and from which shares of tests on it is
supported. A test is the paired sign-flip test of `statistics`, for each population, classifier, method, reference and
metric, adjusted by Holm over all tests of the claim. It holds

- `yes`: significant, in the direction claimed;
- `opposite`: significant, in the other direction;
- `no`: neither, although a difference could have been significant;
- `undecided`: not run, not defined, or over too few seeds to be significant whatever they say; `note` says which.

The verdicts, in this order, with shares of the decided tests where nothing else is said:

- `undecided`: no test is decided, or a smaller share of all tests than `decided`;
- `contradicted`: at least `contradicted` are opposite;
- `supported`: at least `supported` hold and at most `tolerated` are opposite;
- `partly supported`: at least `partly` hold, and more than are opposite;
- `not supported`: none of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import checking, names, statistics
from .contracts import CELL, DEFAULT

VERDICTS = ("supported", "partly supported", "not supported", "contradicted", "undecided")
#: the `population` of a verdict on all populations together
ALL = "all"

_SEGREGATION = {"more segregated": +1, "less segregated": -1}
_TEST = [*statistics.SHARED, "scope", "method", "reference", "metric"]
_EVIDENCE = [
    *("claim", "part", "statement", *_TEST, "expected", "seeds", "value", "bar"),
    *("mean", "low", "high", "interval", "p", "p_holm", "holds", "note"),
]
_SUMMARY = [
    *("claim", "part", "statement", "population", "verdict"),
    *("tests", "in_favour", "against", "undecided", "seeds", "evidence"),
]


@dataclass(frozen=True)
class Claim:
    """One claim (see workflow/schemas/claims.schema.yaml). verdict: the thresholds, by name (see `verdict`)."""

    id: str
    part: int
    statement: str
    scope: str
    methods: Sequence[str]
    metrics: Mapping[str, str]
    alpha: float
    verdict: Mapping[str, float]
    references: Sequence[str] = ()
    margin: float | None = None
    bound: float | None = None
    scenario: str = DEFAULT
    why: str = ""

    def sign(self, metric: str) -> int:
        """+1 if a metric should be higher than what it is compared with, -1 if lower."""
        expected = self.metrics[metric]
        if expected in _SEGREGATION:
            return _SEGREGATION[expected] * names.metric(metric).segregation
        return +1 if expected == "higher" else -1

    def factor(self, metric: str) -> float:
        """What the reference is multiplied by, for the margin."""
        return 1 - self.sign(metric) * (self.margin or 0.0)

    def expected(self, metric: str, reference: str) -> str:
        """What a test should show, such as `less segregated: < before` or `lower: < 1.1 × face`."""
        bar = "before" if self.bound is None else f"{self.bound:g}"
        if reference:
            bar = f"change of {reference}" if metric in names.INDICES else reference
        if self.margin:
            bar = f"{self.factor(metric):g} × {bar}"
        return f"{self.metrics[metric]}: {'>' if self.sign(metric) > 0 else '<'} {bar}"


# --- reading ----------------------------------------------------------------------------------------


def read(path: Path | str) -> list[Claim]:
    """The claims in a YAML file.

    Raises ConfigError naming the file, and line and key of everything that is wrong.
    """
    content = checking.read_yaml(path, checking.schema("claims"), _meaning)
    return [
        Claim(**entry | {"alpha": content["alpha"], "verdict": content["verdict"] | entry.get("verdict", {})})
        for entry in content["claims"]
    ]


def _meaning(content: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What the schema cannot say: the key and what is wrong there."""
    ids = [entry["id"] for entry in content["claims"]]
    for i, entry in enumerate(content["claims"]):
        key = ("claims", i)
        if entry["id"] in ids[:i]:
            yield (*key, "id"), f"{entry['id']!r} is the id of another claim; ids must differ"
        if "references" in entry and "bound" in entry:
            yield (*key, "bound"), "a claim compares with `references` or with a `bound`; leave one out"
        for method in set(entry["methods"]) & set(entry.get("references", [])):
            yield (*key, "references"), f"{method!r} is among the methods; no method is compared with itself"
        for metric, expected in entry["metrics"].items():
            where = (*key, "metrics", metric)
            if metric in names.QUALITY:
                if expected in _SEGREGATION:
                    yield where, f"{expected!r} is for segregation indices; say higher or lower"
                elif "references" not in entry and "bound" not in entry:
                    yield where, "is measured only after recourse; give `references` or a `bound` to compare with"
            elif metric not in names.INDICES:
                yield where, f"not a metric; there are: {', '.join((*names.INDICES, *names.QUALITY))}"
            elif "margin" in entry:
                yield (*key, "margin"), f"changes of an index such as {metric} may have any sign; leave the margin out"
        thresholds = content["verdict"] | entry.get("verdict", {})
        if thresholds["partly"] > thresholds["supported"]:
            place = key if "verdict" in entry else ()
            yield (*place, "verdict", "partly"), "is above `supported`, so nothing could be partly supported"


# --- testing ----------------------------------------------------------------------------------------


def evaluate(measures: pd.DataFrame, claims: Sequence[Claim]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdicts and the tests that they come from.

    measures: a `measures` table (see `contracts`).

    Verdicts, one row a claim for population `all` and then one a population: claim, part, statement, population,
    verdict, tests, in_favour, against, undecided (counts; the other tests are not significant), seeds (the most that a
    test has), evidence (a sentence).

    Tests, one row each: claim, part, statement, population, classifier, scenario, scope, method, reference (or empty),
    metric, expected, seeds, value and bar (means of what is compared; the bar with its margin), mean = value - bar,
    low, high, interval, p, p_holm, holds, note. Holm is over the whole claim, also for a verdict on one population.
    """
    verdicts, tests = [], []
    for claim in claims:
        found = _tests(measures, claim)
        for population, part in [(ALL, found), *found.groupby("population", sort=False)]:
            about = (claim.id, claim.part, claim.statement, population, verdict(part["holds"], **claim.verdict))
            counts = [(part["holds"] == holds).sum() for holds in ("yes", "opposite", "undecided")]
            evidence = _sentence(claim, part, family=found["p"].count())
            verdicts.append((*about, len(part), *counts, part["seeds"].max() if len(part) else 0, evidence))
        tests.append(found)
    return pd.DataFrame(verdicts, columns=_SUMMARY), pd.concat(tests, ignore_index=True)


def verdict(
    holds: Sequence[str], *, decided: float, contradicted: float, supported: float, tolerated: float, partly: float
) -> str:
    """The verdict on some tests; the thresholds are shares of them (see the module's text)."""
    told = [answer for answer in holds if answer != "undecided"]
    if not told or len(told) < decided * len(holds):
        return "undecided"
    in_favour, against = told.count("yes") / len(told), told.count("opposite") / len(told)
    if against >= contradicted:
        return "contradicted"
    if in_favour >= supported and against <= tolerated:
        return "supported"
    return "partly supported" if in_favour >= partly and in_favour > against else "not supported"


def _tests(measures: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """Every test of a claim, also those that were not run."""
    own = measures[measures["scenario"] == claim.scenario].astype(dict.fromkeys(CELL, "str"))
    seeds = pd.concat([_seeds(own, claim, metric) for metric in claim.metrics], ignore_index=True)
    tested = statistics.summarise(seeds, _TEST, claim.alpha, family=())
    planned = product(claim.methods, claim.references or [""], claim.metrics)
    planned = pd.DataFrame(planned, columns=["method", "reference", "metric"], dtype="str").assign(scope=claim.scope)
    table = own[statistics.SHARED].drop_duplicates().merge(planned, how="cross").merge(tested, on=_TEST, how="left")
    table = table.rename(columns={"after": "value", "before": "bar", "change": "mean"})
    not_run = table["seeds"].isna()
    table.loc[not_run, "note"] = [_not_run(own, row) for row in table[not_run].itertuples()]
    table = table.fillna({"seeds": 0, "interval": ""}).astype({"seeds": "int64"})
    undecided, insignificant = table["decidable"].ne(True), table["significant"].ne(True)
    as_claimed = table["mean"] * table["metric"].map(claim.sign) > 0
    table["holds"] = np.select([undecided, insignificant, as_claimed], ["undecided", "no", "yes"], "opposite")
    table["expected"] = [claim.expected(row.metric, row.reference) for row in table.itertuples()]
    return table.assign(claim=claim.id, part=claim.part, statement=claim.statement)[_EVIDENCE]


def _seeds(own: pd.DataFrame, claim: Claim, metric: str) -> pd.DataFrame:
    """What is compared, seed by seed, as `statistics.summarise` takes it."""
    if claim.references:
        return statistics.differences(own, claim.methods, claim.references, claim.scope, [metric], claim.factor(metric))
    if claim.bound is None:
        seeds = statistics.changes(own, claim.scope, [metric])
    else:
        seeds = statistics.numbers(own, claim.scope, "after").rename(columns={"value": "after"})
        seeds = seeds[seeds["metric"] == metric]
        seeds = seeds.assign(before=claim.bound, change=seeds["after"] - claim.bound, level=seeds["after"])
    return seeds[seeds["method"].isin(claim.methods)].assign(reference="")


def _not_run(own: pd.DataFrame, test) -> str:
    """Why a planned test has no seeds."""
    here = own[(own["population"] == test.population) & (own["classifier"] == test.classifier)]
    if test.method not in set(here["method"]):
        return f"this run has no {test.method} on {test.population}"
    return f"{test.metric} of {test.scope} was not measured"


# --- telling ----------------------------------------------------------------------------------------


def _sentence(claim: Claim, tests: pd.DataFrame, family: int) -> str:
    """What the tests say, in one sentence with their numbers. family: how many tests Holm's adjustment is over."""
    if tests.empty:
        return f"This run has nothing to test it on: no population in the scenario {claim.scenario}."
    undecided = tests[tests["holds"] == "undecided"]
    few, not_run = undecided[undecided["seeds"] > 1], undecided[undecided["seeds"] < 2]
    adjusted = f"{claim.alpha:g} after Holm over {family} tests"
    parts = []
    if decided := len(tests) - len(undecided):
        in_favour, against = ((tests["holds"] == holds).sum() for holds in ("yes", "opposite"))
        significant = f"{in_favour} of {decided} decided tests are significant as claimed"
        parts.append(f"{significant} and {against} the other way ({adjusted})")
    if len(few):
        needed = statistics.seeds_needed(family, claim.alpha)
        too_few = f"{len(few)} of {len(tests)} tests have too few seeds ({few['seeds'].max()})"
        parts.append(f"{too_few} to be significant at {adjusted}" + (f": {needed} would do" if needed else ""))
    if len(not_run):
        [(note, _)] = Counter(not_run["note"]).most_common(1)
        parts.append(f"{len(not_run)} of {len(tests)} tests were not run or are not defined ({note})")
    parts += [_range(claim, metric, part) for metric, part in tests.groupby("metric", sort=False)]
    return "; ".join(filter(None, parts)) + "."


def _range(claim: Claim, metric: str, tests: pd.DataFrame) -> str:
    """The smallest and the largest mean of a metric over its tests."""
    means = tests["mean" if claim.bound is None else "value"].dropna()
    if means.empty:
        return ""
    label = names.metric(metric).label.lower().replace("ynn", "yNN")
    if claim.bound is not None:
        return f"mean {label} {means.min():.3g} to {means.max():.3g}"
    what = "mean difference" if claim.references else "mean change"
    return f"{what} of {label} {means.min():+.3g} to {means.max():+.3g}"
