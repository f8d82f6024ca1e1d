"""The claims of the paper's abstract as tests, each with a verdict.

`workflow/resources/claims.yaml` says what each claim means: for which methods and metrics, compared with what (the
metric before recourse, other methods within the same seed, or a number), and from which shares of tests on it is
supported. A claim about segregation is judged twice: on the `paper`'s indices, by their changes; and on indices that
see `groups`, by what of a change is left when that of the same moves with shuffled groups is taken away.

A test is the paired sign-flip test of `statistics`, for each population, classifier, method, reference and metric,
adjusted by Holm over all tests of the claim. It holds

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

A claim that something *can* happen is `existential`: one case is enough. A case is a method on a population; it shows
the claim if a test of its holds. Such a claim is `supported` if a case shows it without an opposite test, `partly
supported` if all that show it have one, and else judged as above.

Each verdict is there three times: by the p-values as they are; by p-values that take into account that seeds share
people (`overlap`, see `statistics.error_of_mean`; the larger of both p counts); and without the effects that an
equivalence test calls smaller than the smallest effect of interest (`relevant`), which then count as `no`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
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
#: what a claim about segregation is judged on: the changes of the paper's indices, or of those that see groups, beyond
#: the changes with shuffled ones
PAPER, GROUPS = "paper", "groups"
KINDS = {PAPER: "the paper's indices", GROUPS: "indices that see groups"}
#: a case of an existential claim
CASE = [*statistics.SHARED, "method", "reference"]

_TEST = [*statistics.SHARED, "scope", "method", "reference", "metric"]
_EVIDENCE = [
    *("claim", "part", "statement", "indices", *_TEST, "expected", "seeds", "value", "bar"),
    *("mean", "low", "high", "interval", "p", "p_holm", "overlap", "p_overlap", "p_overlap_holm", "p_small"),
    *("holds", "holds_overlap", "holds_relevant", "note"),
]
_SUMMARY = [
    *("claim", "part", "statement", "indices", "population", "verdict", "verdict_overlap", "verdict_relevant"),
    *("tests", "in_favour", "against", "undecided", "seeds", "evidence"),
]


@dataclass(frozen=True)
class Claim:
    """One claim (see workflow/schemas/claims.schema.yaml). verdict: the thresholds, by name (see `verdict`).

    indices: PAPER or GROUPS for a claim about segregation, whose metrics are those indices that are measured.
    """

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
    existential: bool = False
    indices: str = ""
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
        """What a test should show, such as `less segregated: < before` or `lower: < 1.1 × FACE`."""
        bar = "before" if self.bound is None else f"{self.bound:g}"
        if reference:
            other = names.method(reference)
            bar = f"change of {other}" if metric in names.INDICES else other
        if self.margin:
            bar = f"{self.factor(metric):g} × {bar}"
        return f"{self.metrics[metric]}: {'>' if self.sign(metric) > 0 else '<'} {bar}"


# --- reading ----------------------------------------------------------------------------------------


def choices(path: Path | str) -> dict[str, list[str]]:
    """The choices of the specification curve in the same file: scopes, scenarios and populations."""
    return checking.read_yaml(path, checking.schema("claims"), _meaning)["specifications"]


def read(path: Path | str) -> list[Claim]:
    """The claims in a YAML file; those about segregation are there twice, for each kind of indices.

    Raises ConfigError naming the file, and line and key of everything that is wrong.
    """
    content = checking.read_yaml(path, checking.schema("claims"), _meaning)
    found = []
    for entry in content["claims"]:
        common = {"alpha": content["alpha"], "verdict": content["verdict"] | entry.pop("verdict", {})}
        if kind := entry.pop("segregation", None):
            for indices, metrics in content["indices"].items():
                expected = dict.fromkeys(metrics, f"{kind} segregated")
                found.append(Claim(**entry, **common, indices=indices, metrics=expected))
        else:
            found.append(Claim(**entry, **common))
    return found


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
        if entry.keys() & {"margin", "bound"} and "segregation" in entry:
            yield (*key, "segregation"), "changes of an index may have any sign; leave `margin` and `bound` out"
        for metric, expected in entry.get("metrics", {}).items():
            where = (*key, "metrics", metric)
            if metric in names.QUALITY:
                if expected in _SEGREGATION:
                    yield where, f"{expected!r} is for segregation indices; say higher or lower"
                elif not entry.keys() & {"references", "bound"}:
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


def evaluate(
    measures: pd.DataFrame,
    claims: Sequence[Claim],
    overlap: Mapping[str, float],
    smallest: Mapping[str, float],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdicts and the tests that they come from.

    measures: a `measures` table (see `contracts`). overlap: see `statistics.t_tests`. smallest: index -> the smallest
    effect of interest, on its scale.

    Verdicts, one row a claim, and kind of indices, for population `all` and then one a population: claim, part,
    statement, indices (`paper`, `groups` or empty), population, verdict, verdict_overlap, verdict_relevant, tests,
    in_favour, against, undecided (counts; the other tests are not significant), seeds (the most that a test has),
    evidence (a sentence).

    Tests, one row each: claim, part, statement, indices, population, classifier, scenario, scope, method, reference (or
    empty), metric, expected, seeds, value and bar (means of what is compared; the bar with its margin), mean = value -
    bar, low, high, interval, p, p_holm, overlap, p_overlap, p_overlap_holm, p_small (of the equivalence test, after
    Holm), holds, holds_overlap, holds_relevant, note. Holm is over the whole claim, also for a verdict on a population.
    """
    verdicts, tests = [], []
    for claim in claims:
        found = _tests(judged_on(measures, claim), claim, overlap, smallest)
        for population, part in [(ALL, found), *found.groupby("population", sort=False)]:
            cases = [*part[CASE].itertuples(index=False, name=None)]
            about = (claim.id, claim.part, claim.statement, claim.indices, population)
            given = [judge(claim, part[holds], cases) for holds in ("holds", "holds_overlap", "holds_relevant")]
            counts = [(part["holds"] == holds).sum() for holds in ("yes", "opposite", "undecided")]
            evidence = _sentence(claim, part, found["p"].count())
            seeds = part["seeds"].max() if len(part) else 0
            verdicts.append((*about, *given, len(part), *counts, seeds, evidence))
        tests.append(found)
    return pd.DataFrame(verdicts, columns=_SUMMARY), pd.concat(tests, ignore_index=True)


def judge(claim: Claim, holds: Sequence[str], cases: Iterable[Hashable] = ()) -> str:
    """The verdict on the tests of a claim. cases: of each test, for an existential claim."""
    if claim.existential:
        by_case = list(zip(cases, holds, strict=True))
        shown, turned = ({case for case, one in by_case if one == answer} for answer in ("yes", "opposite"))
        if shown:
            return "supported" if shown - turned else "partly supported"
    return verdict(holds, **claim.verdict)


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


def judged_on(measures: pd.DataFrame, claim: Claim, scenario: str = DEFAULT) -> pd.DataFrame:
    """The measures that a claim is about: of a scenario, for GROUPS minus those of its placebo."""
    own = statistics.beyond_shuffled(measures, scenario) if claim.indices == GROUPS else measures
    return own[own["scenario"] == scenario].astype(dict.fromkeys(CELL, "str"))


def compared(own: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """What a claim compares, seed by seed, as `statistics.summarise` takes it; own: what `judged_on` returns."""
    parts = []
    for metric in claim.metrics:
        if claim.references:
            factor = claim.factor(metric)
            part = statistics.differences(own, claim.methods, claim.references, claim.scope, [metric], factor)
        elif claim.bound is None:
            part = statistics.changes(own, claim.scope, [metric]).assign(reference="")
        else:
            part = statistics.numbers(own, claim.scope, "after").rename(columns={"value": "after"})
            part = part[part["metric"] == metric].assign(before=claim.bound, level=part["after"], reference="")
            part["change"] = part["after"] - claim.bound
        parts.append(part[part["method"].isin(claim.methods)])
    return pd.concat(parts, ignore_index=True)


def towards(claim: Claim, metrics: pd.Series, differences: pd.Series) -> pd.Series:
    """Do differences of metrics go the way that is claimed?"""
    return differences * metrics.map(claim.sign).astype("float64") > 0


def answers(significant: pd.Series, decided: pd.Series, as_claimed: pd.Series) -> np.ndarray:
    """Whether tests hold: `yes`, `opposite`, `no` or `undecided`, from bool [tests]."""
    return np.select([~decided, ~significant, as_claimed], ["undecided", "no", "yes"], "opposite")


def _tests(
    own: pd.DataFrame, claim: Claim, overlap: Mapping[str, float], smallest: Mapping[str, float]
) -> pd.DataFrame:
    """Every test of a claim, also those that were not run; own: what `judged_on` returns."""
    tested = statistics.summarise(compared(own, claim), _TEST, claim.alpha, family=())
    # whoever names an index wants it tested; of the indices of a kind, those that this run measures
    metrics = [m for m in claim.metrics if not claim.indices or m in set(own["metric"])]
    planned = product(claim.methods, claim.references or [""], metrics)
    planned = pd.DataFrame(planned, columns=["method", "reference", "metric"], dtype="str").assign(scope=claim.scope)
    table = own[statistics.SHARED].drop_duplicates().merge(planned, how="cross").merge(tested, on=_TEST, how="left")
    not_run = table["seeds"].isna()
    table.loc[not_run, "note"] = [_not_run(own, row) for row in table[not_run].itertuples()]
    table = table.fillna({"seeds": 0, "interval": ""})
    table = table.astype({"seeds": "int64", **dict.fromkeys(("change", "change_se", "p"), "float64")})

    table = statistics.t_tests(table, overlap, smallest)
    table["p_overlap"] = np.maximum(table["p"], table["p_overlap"])
    table["p_small"], table["p_overlap_holm"] = statistics.holm(table["p_small"]), statistics.holm(table["p_overlap"])
    table = table.rename(columns={"after": "value", "before": "bar", "change": "mean"})
    decided, as_claimed = table["decidable"].eq(True), towards(claim, table["metric"], table["mean"])
    found = {"holds": table["p_holm"] <= claim.alpha, "holds_overlap": table["p_overlap_holm"] <= claim.alpha}
    found["holds_relevant"] = found["holds"] & ~(table["p_small"] <= claim.alpha)
    table = table.assign(**{name: answers(significant, decided, as_claimed) for name, significant in found.items()})
    table["expected"] = [claim.expected(row.metric, row.reference) for row in table.itertuples()]
    about = {"claim": claim.id, "part": claim.part, "statement": claim.statement, "indices": claim.indices}
    return table.assign(**about)[_EVIDENCE]


def _not_run(own: pd.DataFrame, test) -> str:
    """Why a planned test has no seeds."""
    here = own[(own["population"] == test.population) & (own["classifier"] == test.classifier)]
    if test.method not in set(here["method"]):
        return f"this run has no {names.method(test.method)} on {names.population(test.population)}"
    return f"{names.in_line(test.metric)} of {test.scope} was not measured"


# --- telling ----------------------------------------------------------------------------------------


def _sentence(claim: Claim, tests: pd.DataFrame, family: int) -> str:
    """What the tests say, in one sentence with their numbers. family: how many tests Holm's adjustment is over."""
    if tests.empty:
        missing = " with real and with shuffled groups" if claim.indices == GROUPS else ""
        return f"This run has nothing to test it on: no population in the scenario {DEFAULT}{missing}."
    undecided = tests["holds"] == "undecided"
    few, not_run = tests[undecided & (tests["seeds"] > 1)], tests[undecided & (tests["seeds"] < 2)]
    adjusted = f"{claim.alpha:g} after Holm over {family} tests"
    parts = _told(claim, tests[~undecided], adjusted) if not undecided.all() else []
    if len(few):
        needed = statistics.seeds_needed(family, claim.alpha)
        too_few = f"{len(few)} of {len(tests)} tests have too few seeds ({few['seeds'].max()})"
        parts.append(f"{too_few} to be significant at {adjusted}" + (f": {needed} would do" if needed else ""))
    if len(not_run):
        [(note, _)] = Counter(not_run["note"]).most_common(1)
        parts.append(f"{len(not_run)} of {len(tests)} tests were not run or are not defined ({note})")
    ranges = [_range(claim, metric, part) for metric, part in tests.groupby("metric", sort=False)]
    what = "mean" if claim.bound is not None else "mean difference" if claim.references else "mean change"
    what += " beyond shuffled groups" * (claim.indices == GROUPS)
    parts += [f"{what}: {', '.join(filter(None, ranges))}"] if any(ranges) else []
    return "; ".join(parts) + "."


def _told(claim: Claim, tests: pd.DataFrame, adjusted: str) -> list[str]:
    """What the decided tests say, part by part."""
    shown, turned = (tests[tests["holds"] == holds] for holds in ("yes", "opposite"))
    parts = [f"{len(shown)} of {len(tests)} tests show it and {len(turned)} the opposite ({adjusted})"]
    if claim.existential and len(shown):
        cases, others = (set(part[CASE].itertuples(index=False, name=None)) for part in (shown, turned))
        all_cases = len(tests[CASE].drop_duplicates())
        against = f", {len(cases & others)} of them with another index against it" if cases & others else ""
        best = shown.loc[shown["mean"].abs().idxmax()]
        example = f"{names.method(best['method'])} on {names.population(best['population'])}"
        size = f"{names.in_line(best['metric'])} {_number(best['mean'], '+')}"
        parts.insert(0, f"{len(cases)} of {all_cases} pairs of method and population show it{against}")
        parts.insert(1, f"most of all {example} ({size})")
    if small := (shown["holds_relevant"] == "no").sum():
        parts.append(f"{small} of the {len(shown)} effects that show it are smaller than is of interest")
    if (tests["overlap"] > 0).any():
        shown, turned = ((tests["holds_overlap"] == holds).sum() for holds in ("yes", "opposite"))
        parts.append(f"if seeds count for less since they share people, {shown} show it and {turned} the opposite")
    return parts


def _range(claim: Claim, metric: str, tests: pd.DataFrame) -> str:
    """The smallest and the largest mean of a metric over its tests."""
    means = tests["mean" if claim.bound is None else "value"].dropna()
    if means.empty:
        return ""
    numbers = dict.fromkeys(_number(value, "+" if claim.bound is None else "") for value in (means.min(), means.max()))
    return f"{names.in_line(metric)} {' to '.join(numbers)}"


def _number(value: float, sign: str = "") -> str:
    """Three digits after the point, and no -0.000."""
    rounded = round(value, 3) + 0.0
    return f"{rounded:{sign if rounded else ''}.3f}".replace("-", "−")
