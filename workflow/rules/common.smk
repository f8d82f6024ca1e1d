# What all rules share: the checked configuration, the package on the path, and the lists of cells.
import json
import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(os.path.relpath(workflow.basedir))
PACKAGE = Path(workflow.basedir, "workflow", "src")
sys.path.insert(0, str(PACKAGE))
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(PACKAGE), os.getenv("PYTHONPATH")])))

from recourse_segregation import files, settings, terminal, tracking
from recourse_segregation.errors import ConfigError, RecourseError

try:
    for file in workflow.configfiles:
        settings.refuse_repetition(file)
    settings.validate(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

ENVIRONMENT = "../../envs/environment.yaml"
# What is run: (population, block of seeds) pairs, and the cells of population, classifier, method and block.
BLOCKS = [(name, block) for name in settings.populations(config) for block in settings.blocks(config, name)]
CELLS = settings.cells(config)
SCENARIOS = {(cell.population, cell.method, cell.seeds): cell.scenarios for cell in CELLS}
# What notebooks read beside the tables: everybody of the first block, and where the synthetic people are afterwards.
FIRST_BLOCKS = [(population, block) for population, block in BLOCKS if block.startswith("0-")]
PICTURED = [
    cell
    for cell in CELLS
    if cell.population == "synthetic" and cell.seeds.startswith("0-") and cell.method in config["run"]["methods"]
]
# A study has an exhibit if there is a notebook of its name.
NOTEBOOKS = [
    *settings.PAGES[:-2],
    *(study for study in config["run"]["studies"] if Path(workflow.basedir, "notebooks", f"{study}.ipynb").exists()),
    *settings.PAGES[-2:],
]


def code(script, *modules):
    """Digest of the files that a script is made of, and of those of modules that it loads by name (`methods.face`).

    As a parameter of its rule, it makes Snakemake run the rule again when one of them changes.
    """
    files = [Path(workflow.basedir, "workflow", "scripts", f"{script}.py")]
    return tracking.digest(*files, *map(tracking.module, modules))


def opening(notebook):
    """How a notebook opens: its title, and the paragraph that says what it shows; for the report."""
    path = Path(workflow.basedir, "notebooks", f"{notebook}.ipynb")
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    title, paragraph, *_ = [*first.split("\n\n"), ""]
    return title.removeprefix("# "), paragraph


def per_cell(path, cells=CELLS):
    """The files of a path pattern over cells, in their order; each file once."""
    return list(dict.fromkeys(path.format(**vars(cell)) for cell in cells))


def per_block(path, blocks=BLOCKS):
    """The files of a path pattern over populations and blocks of seeds."""
    return [path.format(population=population, seeds=seeds) for population, seeds in blocks]


def per_classifier(path):
    """The files of a path pattern over all classifiers that are trained."""
    return [
        path.format(population=population, classifier=classifier, seeds=seeds)
        for population, seeds in BLOCKS
        for classifier in config["populations"][population]["classifiers"]
    ]


def scenarios(wildcards):
    """The scenarios of a cell."""
    return SCENARIOS[wildcards.population, wildcards.method, wildcards.seeds]


def before(path):
    """Input function: the files of a cell's scenarios before recourse; those that are measured alike share one."""
    return lambda wildcards: list(
        dict.fromkeys(
            path.format(**dict(wildcards), scenario=settings.measured_as(config, scenario, wildcards.population))
            for scenario in scenarios(wildcards)
        )
    )


# Before the first job, but not in a dry run: nobody else may be at work here. In place of Snakemake's lock, which a
# killed run leaves behind (`nolock` in profiles/default).
onstart:
    given = workflow.config_settings
    options = {"--configfile": given.configfiles, "--config": given.config_args}
    words = [str(word) for option, values in options.items() if values for word in (option, *values)]
    try:
        files.claim("results", note=shlex.join(words))
    except RecourseError as error:
        raise WorkflowError(str(error)) from None


# One line a job on the terminal, but for dry runs, `--verbose`, and where another workflow uses this one as a module.
shown_in_full = workflow.output_settings.dryrun or workflow.output_settings.verbose
if workflow.is_main_process and workflow.modifier.is_main_snakefile() and not shown_in_full:
    terminal.one_line_a_job()
