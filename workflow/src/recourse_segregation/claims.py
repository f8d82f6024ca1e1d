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
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import yaml

from . import names, statistics
from .errors import ConfigError

VERDICTS = ("supported", "partly supported", "not supported", "contradicted", "undecided")
HOLDS = ("yes", "no", "opposite", "undecided")
#: the `population` of a verdict on all populations together
ALL = "all"

_SCHEMA = Path(__file__).parents[2] / "schemas" / "claims.schema.yaml"
_SEGREGATION = {"more segregated": +1, "less segregated": -1}
_TEST = ["population", "classifier", "scenario", "scope", "method", "reference", "metric"]
_EVIDENCE = [
    *("claim", "part", "statement", *_TEST, "expected", "seeds", "value", "bar"),
    *("mean", "low", "high", "interval", "p", "p_holm", "holds", "note"),
]
_SUMMARY = [
    *("claim", "part", "statement", "population", "verdict"),
    *("tests", "in_favour", "against", "undecided", "seeds", "evidence"),
]


@dataclass(frozen=True)
class Thresholds:
    """Shares of tests from which on there is a verdict (see the module's text)."""

    decided: float
    contradicted: float
    supported: float
    tolerated: float
    partly: float


@dataclass(frozen=True)
class Claim:
    """One claim (see workflow/schemas/claims.schema.yaml). Without `populations` or `classifiers`: all of the run."""

    id: str
    part: int
    statement: str
    scope: str
    methods: Sequence[str]
    metrics: Mapping[str, str]
    alpha: float
    verdict: Thresholds
    references: Sequence[str] = ()
    margin: float | None = None
    bound: float | None = None
    populations: Sequence[str] = ()
    classifiers: Sequence[str] = ()
    scenario: str = "default"
    why: str = field(default="", compare=False)

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
            bar = f"{self.factor(metric):g} × {bar}" if self.margin else bar
        return f"{self.metrics[metric]}: {'>' if self.sign(metric) > 0 else '<'} {bar}"


# --- reading ----------------------------------------------------------------------------------------


def read(path: Path | str) -> list[Claim]:
    """The claims in a YAML file.

    Raises ConfigError naming the file, and line and key of everything that is wrong.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; it holds the claims to test") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{where}: not YAML: {getattr(error, 'problem', None) or error}") from error
    lines = {(): 1}
    repeated = list(_walk(node, (), lines)) if node else []
    schema = yaml.safe_load(_SCHEMA.read_text(encoding="utf-8"))
    problems = repeated or [_explain(e) for e in jsonschema.Draft202012Validator(schema).iter_errors(content)]
    problems = problems or list(_meaning(content))
    if problems:
        texts = [
            f"line {_line(lines, key)}: {'.'.join(map(str, key)) or 'top level'}: {what}" for key, what in problems
        ]
        raise ConfigError(f"{path}: the claims are wrong:\n" + "\n".join(f"  - {t}" for t in texts))
    return [
        Claim(**entry | {"alpha": content["alpha"], "verdict": Thresholds(**_thresholds(content, entry))})
        for entry in content["claims"]
    ]


_Problem = tuple[tuple[str | int, ...], str]


def _walk(node: yaml.Node, key: tuple[str | int, ...], lines: dict[tuple, int]) -> Iterator[_Problem]:
    """Note the line of every key in `lines`, and yield the keys that are there twice."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            inner = (*key, name.value)
            if inner in lines:
                yield inner, f"is there twice, first in line {lines[inner]}"
            lines[inner] = name.start_mark.line + 1
            yield from _walk(value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            lines[*key, i] = value.start_mark.line + 1
            yield from _walk(value, (*key, i), lines)


def _line(lines: Mapping[tuple, int], key: tuple) -> int:
    """The line of a key, or of the nearest around it that is in the file."""
    return lines[key] if key in lines else _line(lines, key[:-1])


def _explain(error: jsonschema.ValidationError) -> _Problem:
    key = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        name = next(n for n in error.instance if n not in known)
        return (*key, name), f"unknown key; allowed: {', '.join(known)}"
    about = f" ({error.schema['description'].strip()})" if error.schema.get("description") else ""
    return key, error.message + about


def _thresholds(content: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, float]:
    return content["verdict"] | entry.get("verdict", {})


def _meaning(content: Mapping[str, Any]) -> Iterator[_Problem]:
    """What a schema cannot say."""
    known, seen = (*names.INDICES, *names.QUALITY), set()
    for i, entry in enumerate(content["claims"]):
        key = ("claims", i)
        if entry["id"] in seen:
            yield (*key, "id"), f"{entry['id']!r} is the id of another claim; ids must differ"
        seen.add(entry["id"])
        if "references" in entry and "bound" in entry:
            yield (*key, "bound"), "a claim compares with `references` or with a `bound`; leave one out"
        for method in set(entry["methods"]) & set(entry.get("references", [])):
            yield (*key, "references"), f"{method!r} is among the methods; no method is compared with itself"
        for metric, expected in entry["metrics"].items():
            where = (*key, "metrics", metric)
            index = names.metric(metric).segregation != 0
            if metric not in known:
                yield where, f"not a metric; there are: {', '.join(known)}"
            elif expected in _SEGREGATION and not index:
                yield where, f"{expected!r} is for segregation indices; say higher or lower"
            elif not index and "references" not in entry and "bound" not in entry:
                yield where, "is measured only after recourse; give `references` or a `bound` to compare with"
            elif index and "margin" in entry:
                yield (*key, "margin"), f"changes of an index such as {metric} may have any sign; leave the margin out"
        thresholds = _thresholds(content, entry)
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

    Tests, one row each: claim, part, statement, population, classifier, scenario, scope, method, reference (empty
    without), metric, expected, seeds, value and bar (means of what is compared: after and before, the changes of an
    index, or the values of a quality metric; the bar with its margin), mean = value - bar, low, high, interval, p,
    p_holm, holds, note. Holm, and so p_holm and holds, are over the whole claim, also where a verdict is on one
    population.
    """
    verdicts, tests = [], []
    for claim in claims:
        found = _tests(measures, claim)
        parts = [(ALL, found), *found.groupby("population", sort=False)]
        verdicts += [
            _verdict_row(claim, population, part, family=len(found["p"].dropna())) for population, part in parts
        ]
        tests.append(found)
    table = pd.concat([t for t in tests if len(t)] or tests[:1], ignore_index=True)
    return pd.DataFrame(verdicts, columns=_SUMMARY), table


def verdict(holds: Sequence[str], thresholds: Thresholds) -> str:
    """The verdict on some tests (see the module's text)."""
    holds = list(holds)
    decided = len(holds) - holds.count("undecided")
    if not decided or decided < thresholds.decided * len(holds):
        return "undecided"
    in_favour, against = holds.count("yes") / decided, holds.count("opposite") / decided
    if against >= thresholds.contradicted:
        return "contradicted"
    if in_favour >= thresholds.supported and against <= thresholds.tolerated:
        return "supported"
    return "partly supported" if in_favour >= thresholds.partly and in_favour > against else "not supported"


def _tests(measures: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """Every test of a claim, also those that were not run."""
    own = measures[measures["scenario"] == claim.scenario]
    for column, wanted in (("population", claim.populations), ("classifier", claim.classifiers)):
        own = own[own[column].isin(wanted)] if wanted else own
    planned = pd.DataFrame(_planned(own, claim), columns=_TEST)
    seeds = pd.concat([_seeds(own, claim, metric) for metric in claim.metrics], ignore_index=True)
    tested = statistics.summarise(seeds, _TEST, claim.alpha, family=())
    table = planned.merge(tested, on=_TEST, how="left")
    table = table.rename(columns={"after": "value", "before": "bar", "change": "mean"})
    not_run = table["seeds"].isna()
    table.loc[not_run, "note"] = [_not_run(own, row) for row in table[not_run].itertuples()]
    table = table.fillna({"seeds": 0, "interval": "", "decidable": False, "significant": False})
    table = table.astype({"seeds": "int64", "decidable": "bool", "significant": "bool"})
    table["holds"] = [_holds(row, claim.sign(row.metric)) for row in table.itertuples()]
    table["expected"] = [claim.expected(row.metric, row.reference) for row in table.itertuples()]
    return table.assign(claim=claim.id, part=claim.part, statement=claim.statement)[_EVIDENCE]


def _planned(own: pd.DataFrame, claim: Claim) -> list[tuple]:
    """The tests that there should be, as rows of `_TEST`."""
    cells = list(own[["population", "classifier"]].drop_duplicates().itertuples(index=False, name=None))
    absent = [name for name in claim.populations if name not in set(own["population"])]
    cells += [(name, classifier) for name in absent for classifier in claim.classifiers or [""]]
    return [
        (*cell, claim.scenario, claim.scope, method, reference, metric)
        for cell, method, reference, metric in product(cells, claim.methods, claim.references or [""], claim.metrics)
    ]


def _seeds(own: pd.DataFrame, claim: Claim, metric: str) -> pd.DataFrame:
    """What is compared, seed by seed, as `statistics.summarise` takes it."""
    if claim.references:
        return statistics.differences(own, claim.methods, claim.references, claim.scope, [metric], claim.factor(metric))
    if claim.bound is None:
        seeds = statistics.changes(own, claim.scope, [metric])
        seeds = seeds.assign(level=seeds["before"])
    else:
        seeds = statistics.numbers(own, claim.scope, "after").rename(columns={"value": "after"})
        seeds = seeds[seeds["metric"] == metric].assign(before=claim.bound)
        seeds = seeds.assign(change=seeds["after"] - claim.bound, level=seeds["after"])
    return seeds[seeds["method"].isin(claim.methods)].assign(reference="")


def _not_run(own: pd.DataFrame, row) -> str:
    """Why a planned test has no seeds."""
    here = own[(own["population"] == row.population) & (own["classifier"] == row.classifier)]
    if here.empty:
        return f"this run has no {row.population}" + (
            f" with the {row.classifier} classifier" if row.classifier else ""
        )
    for method in filter(None, (row.method, row.reference)):
        if method not in set(here["method"]):
            return f"this run has no {method} on {row.population}"
    return f"{row.metric} of {row.scope} was not measured"


def _holds(row, sign: int) -> str:
    if not row.decidable:
        return "undecided"
    if not row.significant:
        return "no"
    return "yes" if sign * row.mean > 0 else "opposite"


def _verdict_row(claim: Claim, population: str, tests: pd.DataFrame, family: int) -> tuple:
    """A row of the verdicts. family: how many tests Holm's adjustment is over."""
    counts = [int((tests["holds"] == holds).sum()) for holds in ("yes", "opposite", "undecided")]
    seeds = int(tests["seeds"].max()) if len(tests) else 0
    about = (claim.id, claim.part, claim.statement, population, verdict(tests["holds"], claim.verdict))
    return (*about, len(tests), *counts, seeds, _sentence(claim, tests, counts, family))


def _sentence(claim: Claim, tests: pd.DataFrame, counts: Sequence[int], family: int) -> str:
    """What the tests say, in one sentence with their numbers."""
    if tests.empty:
        return f"This run has nothing to test it on: no population in the scenario {claim.scenario}."
    in_favour, against, undecided = counts
    decided = len(tests) - undecided
    parts = []
    if decided:
        parts.append(
            f"{in_favour} of {decided} decided tests are significant as claimed and {against} the other way "
            f"({claim.alpha:g} after Holm over {family} tests)"
        )
    open_tests = tests[tests["holds"] == "undecided"]
    few = open_tests[open_tests["seeds"] > 1]
    if len(few):
        needed = statistics.seeds_needed(family, claim.alpha)
        parts.append(
            f"{len(few)} of {len(tests)} tests have too few seeds ({few['seeds'].max()}) to be significant at "
            f"{claim.alpha:g} after Holm over {family} tests" + (f": {needed} would do" if needed else "")
        )
    not_run = Counter(open_tests.loc[open_tests["seeds"] < 2, "note"]).most_common(1)
    for note, _ in not_run:
        parts.append(f"{len(open_tests) - len(few)} of {len(tests)} tests were not run or are not defined ({note})")
    ranges = [_range(claim, metric, part) for metric, part in tests.groupby("metric", sort=False)]
    return "; ".join([*parts, *filter(None, ranges)]) + "."


def _range(claim: Claim, metric: str, tests: pd.DataFrame) -> str:
    """The smallest and the largest mean of a metric over its tests."""
    means = tests["value" if claim.bound is not None else "mean"].dropna()
    if means.empty:
        return ""
    label = names.metric(metric).label.lower().replace("ynn", "yNN")
    if claim.bound is not None:
        return f"mean {label} {means.min():.3g} to {means.max():.3g}"
    what = "mean difference" if claim.references else "mean change"
    return f"{what} of {label} {means.min():+.3g} to {means.max():+.3g}"
