"""What a configuration asks for: its studies, and the cells of which they are made.

Imports neither torch nor pandas: it is read every time Snakemake starts. The configuration is one that
`settings.validate` has seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from . import DEFAULT, MAIN, declarations
from .data import description

#: the pages that every run has, whatever its studies, which come before the last three
PAGES = ("populations", "synthetic", "segregation", "recourse_quality", "theory", "comparison", "robustness")
#: the notebook that shows a study which has none of its own
GENERIC = "study"
#: what a population says, or the population that it is a variant of
OF_A_POPULATION = ("dataset", "sensitive", "classifiers", "decided_by")


@dataclass(frozen=True)
class Study:
    """What one exhibit, or several, is about: every population with every method in every scenario, for some seeds.

    classifiers: of every population, in place of those that it is decided by; none if it names none.
    """

    populations: tuple[str, ...]
    classifiers: tuple[str, ...]
    methods: tuple[str, ...]
    scenarios: tuple[str, ...]
    seeds: int


@dataclass(frozen=True)
class Cell:
    """What one job of recourse, of simulation or of measuring works on; the last two take all its scenarios."""

    population: str
    classifier: str
    method: str
    seeds: str
    scenarios: tuple[str, ...]


def studies(config: Mapping[str, Any]) -> dict[str, Study]:
    """The studies that are run: MAIN, which is what `run` itself says, and those that `run.studies` names."""
    chosen = {MAIN: config["run"]} | {name: config["studies"][name] for name in config["run"]["studies"]}
    return {
        name: Study(
            tuple(entry["populations"]),
            tuple(entry.get("classifiers", ())),
            tuple(entry["methods"]),
            tuple(entry.get("scenarios", [DEFAULT])),
            entry.get("seeds", config["run"]["seeds"]),
        )
        for name, entry in chosen.items()
    }


def populations(config: Mapping[str, Any]) -> list[str]:
    """The populations that a study needs."""
    return list(dict.fromkeys(p for study in studies(config).values() for p in study.populations))


def pages(config: Mapping[str, Any]) -> list[str]:
    """The pages in the order of the index. The re-runs have none of their own: the page `comparison` is about them."""
    shown = [name for name in config["run"]["studies"] if name != config["comparison"]["study"]]
    return [*PAGES[:-3], *shown, *PAGES[-3:]]


def blocks(config: Mapping[str, Any], population: str, classifier: str) -> list[str]:
    """The seeds of a population and classifier, in blocks that one job works through: 7 by 5 are `0-4` and `5-6`.

    As many as any study wants that has both. A classifier of one study's own may have fewer than the others.
    """
    wanted = [study for study in studies(config).values() if population in study.populations]
    seeds = max(study.seeds for study in wanted if classifier in _reported(config, study, population))
    size = config["run"]["block_size"]
    return [f"{first}-{min(first + size, seeds) - 1}" for first in range(0, seeds, size)]


def seeds_in(block: str) -> list[int]:
    """`0-4` -> [0, 1, 2, 3, 4]"""
    first, last = block.split("-")
    return list(range(int(first), int(last) + 1))


def cells(config: Mapping[str, Any], *names: str) -> list[Cell]:
    """Every cell that the studies `names` need (by default all), once, by population, then by study."""
    wanted = [study for name, study in studies(config).items() if name in names or not names]
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for population in populations(config):
        for study in (study for study in wanted if population in study.populations):
            for classifier in _decided_by(config, study, population):
                every = blocks(config, population, classifier)
                needed = [block for block in every if seeds_in(block)[0] < study.seeds]
                for cell in product([population], [classifier], study.methods, needed):
                    found.setdefault(cell, {}).update(dict.fromkeys(study.scenarios))
    return [Cell(*cell, tuple(scenarios)) for cell, scenarios in found.items()]


def trained(config: Mapping[str, Any]) -> list[Cell]:
    """What is drawn and trained: cells without a method, also of classifiers that decide on nobody's recourse."""
    pairs = {
        (population, classifier): None
        for population in populations(config)
        for study in studies(config).values()
        if population in study.populations
        for classifier in _reported(config, study, population)
    }
    return [Cell(*pair, "", block, ()) for pair in pairs for block in blocks(config, *pair)]


def population_of(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a population is: a variant starts from the population that it is a variant of, setting by setting."""
    own = config["populations"][name]
    original = config["populations"].get(own.get("variant_of"), {})
    rooms = {room: original.get(room, {}) | own.get(room, {}) for room in ("prepare", "measure")}
    return {**original, **own, **rooms}


def in_scenarios(config: Mapping[str, Any], room: str, population: str, names: Iterable[str]) -> dict[str, Any]:
    """The settings of a room (`simulate` or `measure`) for a population in each of these scenarios."""
    own = settings(config, room, population)
    return {name: own | config["scenarios"][name].get(room, {}) for name in names}


def settings(config: Mapping[str, Any], room: str, population: str) -> dict[str, Any]:
    """The settings of a room (`prepare`, `simulate` or `measure`), with what the population says otherwise."""
    return {**config[room], **population_of(config, population).get(room, {})}


def options_for(config: Mapping[str, Any], section: str, name: str, population: str) -> dict[str, Any]:
    """Options of a classifier or method for one population: those for all, overridden by its own.

    section: `classifiers` or `methods`. A variant, and a population that is a variant, starts from the options of what
    it is a variant of.
    """
    entry = config[section][name]
    original = entry.get("variant_of")
    inherited = options_for(config, section, original, population) if original else {}
    overrides = entry.get("populations", {})
    of = config["populations"].get(population, {}).get("variant_of")
    own = [overrides.get(name, {}) for name in (of, population)]
    return inherited | entry.get("options", {}) | own[0] | own[1]


def method_file(config: Mapping[str, Any], method: str) -> str:
    """The method's file: of its own name, or of the method that it is a variant of."""
    return config["methods"][method].get("variant_of", method)


def seen_by(config: Mapping[str, Any], method: str, population: str) -> dict[str, Any]:
    """How the population will be measured, for a method that asks for it; nothing for the others."""
    asks = declarations.needs_measures(method_file(config, method))
    return settings(config, "measure", population) if asks else {}


def stream(config: Mapping[str, Any], classifier: str) -> str:
    """Whose random stream the classifier is trained with: a variant differs from its original by its options only."""
    return config["classifiers"][classifier].get("variant_of", classifier)


def model_file(config: Mapping[str, Any], classifier: str) -> str | None:
    """The classifier's file: the one that it (or what it is a variant of) names, else that of its own name.

    None for the built-in networks.
    """
    name = stream(config, classifier)
    return config["classifiers"][name].get("model", name if name in declarations.names("models") else None)


def model_modules(config: Mapping[str, Any], classifier: str) -> list[str]:
    """The module that defines a classifier of one's own: `models.forest`; none for the built-in networks."""
    model = model_file(config, classifier)
    return [f"models.{model}"] if model else []


def dataset(config: Mapping[str, Any], population: str) -> str:
    """What the data set of a population is called, and its folder: `law`, or for `datasets/loans.yaml` `loans`."""
    return description.name(population_of(config, population)["dataset"])


def claims_study(config: Mapping[str, Any]) -> str:
    """The study that the claims are judged by."""
    wanted = config["claims"]["study"]
    return wanted if wanted in studies(config) else MAIN


def reruns(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The re-runs that published numbers are judged by: population -> `population`, its variant, and its `draws`.

    Nothing where their study is not run.
    """
    study = config["comparison"]["study"]
    names = studies(config)[study].populations if study in studies(config) else ()
    found = {}
    for name in names:
        original, draws = config["populations"][name].get("variant_of"), settings(config, "prepare", name).get("draws")
        if original and draws:
            found[original] = {"population": name, "draws": draws}
    return found


def shuffled(config: Mapping[str, Any]) -> dict[str, str]:
    """Scenario -> the scenario that differs from it in one thing: its groups are shuffled."""

    def told(name: str) -> dict[str, Any]:
        entry = config["scenarios"][name]
        return {"simulate": entry.get("simulate", {}), "measure": {"groups": "own"} | entry.get("measure", {})}

    def with_shuffled(name: str) -> dict[str, Any]:
        return told(name) | {"measure": told(name)["measure"] | {"groups": "shuffled"}}

    own = [name for name in config["scenarios"] if told(name)["measure"]["groups"] == "own"]
    pairs = product(own, config["scenarios"])
    return {name: other for name, other in pairs if told(other) == with_shuffled(name)}


def described_run(config: Mapping[str, Any]) -> dict[str, Any]:
    """What exhibits need to know of a run (`run.json`): its `studies`, the `labels` of what they name, and the
    `smallest_effect` of interest on an index.

    A study has its lists and its seeds; `classifiers` and `decided_by`, population -> those that are reported and those
    whose rejected are given recourse; `variant_of`, variant -> method; and `options`, method -> population -> the
    options that tell a method from its variants.
    """
    sections = {"population": "populations", "classifier": "classifiers", "method": "methods", "scenario": "scenarios"}
    labels = {
        kind: {name: entry.get("label", name) for name, entry in config[section].items()}
        for kind, section in sections.items()
    }
    found = {}
    for name, study in studies(config).items():
        who = {"classifiers": _reported, "decided_by": _decided_by}
        lists = {key: {p: list(of(config, study, p)) for p in study.populations} for key, of in who.items()}
        found[name] = asdict(study) | lists | _variants(config, study)
    return {"studies": found, "labels": labels, "smallest_effect": config["claims"]["smallest_effect"]}


def _decided_by(config: Mapping[str, Any], study: Study, population: str) -> Sequence[str]:
    """The classifiers whose rejected are given recourse."""
    return study.classifiers or population_of(config, population)["decided_by"]


def _reported(config: Mapping[str, Any], study: Study, population: str) -> Sequence[str]:
    """The classifiers that are trained and reported."""
    return study.classifiers or population_of(config, population)["classifiers"]


def _variants(config: Mapping[str, Any], study: Study) -> dict[str, Any]:
    variant_of = {m: method_file(config, m) for m in study.methods if method_file(config, m) != m}
    varied: dict[str, set[str]] = {original: set() for original in variant_of.values()}
    for variant, original in variant_of.items():
        entry = config["methods"][variant]
        varied[original].update(entry.get("options", {}), *entry.get("populations", {}).values())

    def options(method: str, population: str) -> dict[str, Any]:
        given = options_for(config, "methods", method, population)
        return {name: given[name] for name in given if name in varied[variant_of.get(method, method)]}

    told = {m: {p: options(m, p) for p in study.populations} for m in [*varied, *variant_of]}
    return {"variant_of": variant_of, "options": told}
