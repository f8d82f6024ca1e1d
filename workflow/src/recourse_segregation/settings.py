"""What a configuration may say. `validate` checks all of it before anything runs; `plan` then says what it asks for.

Imports neither torch nor pandas: it is read every time Snakemake starts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from . import DEFAULT, checking, data, declarations, plan
from .checking import known
from .data import description
from .errors import ConfigError

#: folders of results/ that a population of the same name would write into
RESERVED = ("benchmarks", "exhibits", "notebooks", "raw")


def validate(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration, if nothing is wrong with it.

    Raises ConfigError naming every wrong key and what is allowed there.
    """
    problems = checking.problems(config, checking.schema("config"))
    problems = problems or list(_names(config)) or [*_options(config), *_gradients(config)]
    if problems:
        listed = "\n".join(f"  - {p}" for p in dict.fromkeys(problems))
        raise ConfigError(f"the configuration is wrong:\n{listed}")
    return config


def refuse_repetition(file: Path | str) -> None:
    """Raise ConfigError, naming file, line and key, if a key stands twice in one mapping of a configuration file.

    YAML takes the last of them in silence. A file that is not YAML (JSON may be indented with tabs) is left to whoever
    reads it.
    """
    try:
        checking.key_lines(Path(file).read_text(encoding="utf-8"), str(file))
    except yaml.YAMLError:
        return


def typed(given: Any) -> Any:
    """What `--config` gave, with the numbers and flags in nested values that Snakemake leaves as texts."""
    if isinstance(given, Mapping):
        return {key: typed(value) for key, value in given.items()}
    if isinstance(given, list):
        return [typed(value) for value in given]
    if not isinstance(given, str):
        return given
    try:
        value = yaml.safe_load(given)
    except (yaml.YAMLError, ValueError):  # a label may be anything
        return given
    return value if isinstance(value, bool | int | float) else given


# --- what a schema cannot say -----------------------------------------------------------------------


def _names(config: Mapping[str, Any]) -> Iterator[str]:
    """Names that must exist elsewhere, or must not."""
    for section in ("populations", "classifiers", "methods", "scenarios", "studies"):
        yield from _differing_in_case_only(config[section], section)
    yield from _placebos(config)
    yield from _studies(config)
    yield from _populations(config)
    methods = declarations.names("methods")
    for name in (name for name, entry in config["methods"].items() if "variant_of" not in entry):
        yield from (f"{p} (or write methods/{name}.py)" for p in known([name], methods, "methods", "method"))
    for section in ("classifiers", "methods"):
        yield from _variants(config[section], section)
    models = declarations.names("models")
    for name in (name for name, entry in config["classifiers"].items() if "variant_of" not in entry):
        if model := plan.model_file(config, name):
            found = known([model], models, f"classifiers.{name}.model", "model")
            yield from (f"{problem} (or write models/{model}.py)" for problem in found)


def _differing_in_case_only(names: Mapping[str, Any], key: str) -> Iterator[str]:
    """Names become folders, and some file systems do not tell `A` from `a`."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            yield f"{key}: {other!r} and {name!r} differ in upper and lower case only; rename one of them"


def _placebos(config: Mapping[str, Any]) -> Iterator[str]:
    """`placebo` is `default` with shuffled groups, `drop-placebo` is `drop` with them: see `statistics.placebo`."""
    for name, entry in config["scenarios"].items():
        of = DEFAULT if name == "placebo" else name.removesuffix("-placebo")
        original = config["scenarios"].get(of, {})
        measured = original.get("measure", {}) | {"groups": "shuffled"}
        same = (entry.get("simulate", {}), entry.get("measure", {})) == (original.get("simulate", {}), measured)
        if of != name and not same:
            yield f"scenarios.{name}: must be {of!r} but for `measure: {{groups: shuffled}}`, or have another name"


def _studies(config: Mapping[str, Any]) -> Iterator[str]:
    yield from known(config["run"]["studies"], config["studies"], "run.studies", "study")
    yield from known([config["claims"]["study"]], [plan.MAIN, *config["studies"]], "claims.study", "study")
    yield from known([config["comparison"]["study"]], config["studies"], "comparison.study", "study")
    for key, study in {"run": config["run"], **{f"studies.{n}": s for n, s in config["studies"].items()}}.items():
        yield from known(study["populations"], config["populations"], f"{key}.populations", "population")
        yield from known(study.get("classifiers", []), config["classifiers"], f"{key}.classifiers", "classifier")
        yield from known(study.get("scenarios", []), config["scenarios"], f"{key}.scenarios", "scenario")
        unknown = known(study["methods"], config["methods"], f"{key}.methods", "method")
        yield from (f"{problem} (what has an entry under `methods`)" for problem in unknown)
    for name in [name for name in (plan.MAIN, plan.GENERIC, *plan.PAGES) if name in config["studies"]]:
        owner = "what `run` itself describes" if name == plan.MAIN else f"the page notebooks/{name}.ipynb"
        yield f"studies.{name}: this name is taken by {owner}; choose another"


def _populations(config: Mapping[str, Any]) -> Iterator[str]:
    run = {p for study in [config["run"], *config["studies"].values()] for p in study["populations"]}
    own: dict[str, str] = {}
    originals = [name for name, entry in config["populations"].items() if "variant_of" not in entry]
    for name, entry in config["populations"].items():
        key = f"populations.{name}"
        unknown = list(
            known([entry.get("variant_of", originals[0])], originals, f"{key}.variant_of", "population of its own")
        )
        yield from unknown
        population = {} if unknown else plan.population_of(config, name)
        missing = [] if unknown else [key for key in plan.OF_A_POPULATION if key not in population]
        if missing:
            yield f"{key}: the key {', '.join(map(repr, missing))} is missing"
        if unknown or missing:
            continue
        dataset = population["dataset"]
        if name in RESERVED:
            yield f"{key}: results/{name} is a folder of something else; choose another name"
        yield from known(population["classifiers"], config["classifiers"], f"{key}.classifiers", "classifier")
        yield from known(population["decided_by"], population["classifiers"], f"{key}.decided_by", "listed classifier")
        if not description.is_path(dataset):
            unknown = list(known([dataset], data.names(), f"{key}.dataset", "data set"))
            yield from unknown
            sensitive = None if unknown else declarations.sensitive(dataset)
        else:
            short = description.name(dataset)
            yield from checking.problems(short, checking.schema("config")["$defs"]["name"], f"{key}.dataset")
            if short in data.names() or own.setdefault(short, dataset) != dataset:
                yield f"{key}.dataset: {short!r} is the name of another data set; give {dataset} another name"
            try:
                sensitive = description.read(dataset)["sensitive"]
                files = description.own_file(dataset) if name in run else []
            except ConfigError as error:
                yield f"{key}.dataset: {error}"
                continue
            for file in (description.PROJECT / file for file in files):
                if not file.is_file() or not os.access(file, os.R_OK):
                    yield f"{key}.dataset: {dataset}: file: {file} is not there, or cannot be read"
        if sensitive is not None:
            yield from known([population["sensitive"]], sensitive, f"{key}.sensitive", "sensitive attribute")


def _variants(entries: Mapping[str, Any], section: str) -> Iterator[str]:
    """Variants, of methods or of classifiers, that have a file, or whose original has no entry to take options from."""
    folder, what = {"methods": ("methods", "method"), "classifiers": ("models", "classifier")}[section]
    files, originals = declarations.names(folder), [name for name in entries if "variant_of" not in entries[name]]
    for name in (name for name in entries if name not in originals):
        key = f"{section}.{name}.variant_of"
        if name in files:
            yield f"{key}: {name} is a {what} itself ({folder}/{name}.py); choose another name"
        elif "model" in entries[name]:
            yield f"{section}.{name}.model: a variant has the model of {entries[name]['variant_of']}; leave this out"
        else:
            yield from known([entries[name]["variant_of"]], originals, key, f"{what} of its own")


def _options(config: Mapping[str, Any]) -> Iterator[str]:
    """Options that a method or a model does not have, or that are missing."""
    schemas = {("methods", m): declarations.method_options(plan.method_file(config, m)) for m in config["methods"]}
    for name in config["classifiers"]:
        schemas["classifiers", name] = declarations.model_options(plan.model_file(config, name))
    for (section, name), schema in schemas.items():
        key, entry = f"{section}.{name}", config[section][name]
        some = {k: v for k, v in schema.items() if k != "required"}  # an override gives only what is different
        problems = checking.problems(entry.get("options", {}), some, f"{key}.options")
        for population, overrides in entry.get("populations", {}).items():
            problems += known([population], config["populations"], f"{key}.populations", "population")
            problems += checking.problems(overrides, some, f"{key}.populations.{population}")
        yield from problems
        for population in config["populations"] if not problems else ():
            given = plan.options_for(config, section, name, population)
            yield from checking.problems(given, schema, f"{key}.options")  # the same for every population: said once


def _gradients(config: Mapping[str, Any]) -> Iterator[str]:
    """Methods that ask for the gradients of a classifier that has none."""
    for name, study in plan.studies(config).items():
        for cell in plan.cells(config, name):
            key = f"studies.{name}.classifiers" if study.classifiers else f"populations.{cell.population}.decided_by"
            model = plan.model_file(config, cell.classifier)
            asks = declarations.needs_gradients(plan.method_file(config, cell.method))
            if asks and model and not declarations.has_gradients(model):
                yield (
                    f"{key}: {cell.classifier!r} is a scikit-learn estimator, without the gradients that the method "
                    f"{cell.method!r} needs; methods that need none: {', '.join(declarations.gradient_free())}"
                )
