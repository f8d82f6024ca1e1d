# What all rules share: the checked configuration, the package on the path, and the lists of cells.
import copy
import os
import shlex
import sys
from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

PROJECT = Path(workflow.current_basedir).parents[1]
PACKAGE = PROJECT / "workflow" / "src"
sys.path.insert(0, str(PACKAGE))
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(PACKAGE), os.getenv("PYTHONPATH")])))

from recourse_segregation import files, notebooks, plan, settings, terminal, tracking
from recourse_segregation.data import description
from recourse_segregation.errors import ConfigError, RecourseError

if workflow.modifier.is_main_snakefile():
    update_config(config, settings.typed(workflow.config_settings.config))
else:  # a module: what the other workflow says lies over config.yaml, as with --configfile
    given = copy.deepcopy(config)
    config.update(load_configfile(PROJECT / "config.yaml"))
    update_config(config, given)
try:
    for file in workflow.configfiles:
        settings.refuse_repetition(file)
    settings.validate(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

ENVIRONMENT = "../../envs/environment.yaml"
# What is run: (population, block of seeds) pairs, and the cells of population, classifier, method and block.
BLOCKS = [(name, block) for name in plan.populations(config) for block in plan.blocks(config, name)]
CELLS = plan.cells(config)
# The pages, in the order of the index.
NOTEBOOKS = [*plan.PAGES[:-2], *config["run"]["studies"], *plan.PAGES[-2:]]


def project(path):
    """A file of the project itself, wherever the run is."""
    return local(os.path.relpath(PROJECT / path))


def code(script, *modules):
    """Digest of the files that a script is made of, and of those of modules that it loads by name (`methods.face`).

    As a parameter of its rule, it makes Snakemake run the rule again when one of them changes.
    """
    return tracking.digest(PROJECT / "workflow" / "scripts" / f"{script}.py", *map(tracking.module, modules))


def per_cell(path, cells=CELLS):
    """The files of a path pattern over cells, in their order; each file once."""
    return list(dict.fromkeys(path.format(**vars(cell)) for cell in cells))


def per_block(path):
    """The files of a path pattern over populations and blocks of seeds, and classifiers where it has them."""
    return list(
        dict.fromkeys(
            path.format(population=population, classifier=classifier, seeds=seeds)
            for population, seeds in BLOCKS
            for classifier in config["populations"][population]["classifiers"]
        )
    )


def scenarios_of(room, population, seeds, classifier=None, method=None):
    """The settings of a room in each scenario that a cell has, or (without a method) any cell of a population's block."""
    cells = [cell for cell in CELLS if (cell.population, cell.seeds) == (population, seeds)]
    names = dict.fromkeys(s for cell in cells if method in (None, cell.method) for s in cell.scenarios)
    return plan.in_scenarios(config, room, population, names)


def template(notebook):
    """The notebook of this name, or the generic one for a study that has none of its own."""
    own = PROJECT / "notebooks" / f"{notebook}.ipynb"
    return own if own.exists() else own.with_name(f"{plan.GENERIC}.ipynb")


def title(notebook):
    """What the page of this name is called."""
    return notebooks.opening(template(notebook))[0].replace("{study}", notebook)


def read_by(notebook):
    """The files of a run that a notebook says it reads; of those that each cell has, the first seeds of some cells."""
    first = [cell for cell in CELLS if cell.seeds.startswith("0-") and cell.method in config["run"]["methods"]]
    synthetic = [cell for cell in first if cell.population == "synthetic"]
    of_cells = {
        "population.parquet": per_cell("results/{population}/seeds-{seeds}/population.parquet", first),
        "after.parquet": per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/after.parquet", synthetic),
    }
    return [f for name in notebooks.reads(template(notebook)) for f in of_cells.get(name, [f"results/{name}"])]


def benchmarks(cells):
    """The benchmark files of the jobs that cells need."""
    classifier = "{population}.{classifier}.seeds-{seeds}.tsv"
    method = "{population}.{classifier}.{method}.seeds-{seeds}.tsv"
    names = {
        "prepare": "{population}.seeds-{seeds}.tsv",
        **dict.fromkeys(["train", "measure_before"], classifier),
        **dict.fromkeys(["recourse", "simulate", "measure"], method),
    }
    return [f for stage, name in names.items() for f in per_cell(f"results/benchmarks/{stage}/{name}", cells)]


def benchmarks_of(notebook):
    """Those of the jobs that an exhibit needs by itself: its own, and those of its study (else the main one)."""
    study = notebook if notebook in config["run"]["studies"] else plan.MAIN
    cells = plan.cells(config, study) if notebooks.reads(template(notebook)) else []
    return [f"results/benchmarks/notebook/{notebook}.tsv", *benchmarks(cells)]


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
