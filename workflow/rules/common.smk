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
# What is run: cells of population, classifier, method and block of seeds; and, without a method, all that is trained.
CELLS, TRAINED = plan.cells(config), plan.trained(config)
# Of each data set, what a population calls it: its name, or the path of its description.
DATASETS = {plan.dataset(config, name): plan.population_of(config, name)["dataset"] for name in config["populations"]}
# Of each page, in the order of the index, its notebook: the generic one for a study that has none of its own.
NOTEBOOKS = {}
for name in plan.pages(config):
    own = PROJECT / "notebooks" / f"{name}.ipynb"
    NOTEBOOKS[name] = own if own.exists() else own.with_name(f"{plan.GENERIC}.ipynb")


def project(path):
    """A file of the project itself, wherever the run is."""
    return local(os.path.relpath(PROJECT / path))


def per_cell(path, cells=CELLS):
    """The files of a path pattern over cells, in their order; each file once."""
    return list(dict.fromkeys(path.format(**vars(cell)) for cell in cells))


def scenarios_of(room, population, seeds, classifier, method=None):
    """The settings of a room in each scenario that a cell has, or (without a method) any cell of its classifier."""
    wanted = (population, classifier, seeds)
    cells = [cell for cell in CELLS if (cell.population, cell.classifier, cell.seeds) == wanted]
    names = dict.fromkeys(s for cell in cells if method in (None, cell.method) for s in cell.scenarios)
    return plan.in_scenarios(config, room, population, names)


def drawn(population):
    """The data set and the sensitive attribute of a population."""
    entry = plan.population_of(config, population)
    return entry["dataset"], entry["sensitive"]


def title(notebook):
    """What the page of this name is called."""
    return notebooks.opening(NOTEBOOKS[notebook])[0].replace("{study}", notebook)


def read_by(notebook):
    """The files that a notebook says it reads; of those that each cell has, the first seeds of some cells."""
    first = [cell for cell in CELLS if cell.seeds.startswith("0-") and cell.method in config["run"]["methods"]]
    synthetic = [cell for cell in first if cell.population == "synthetic"]
    others = {
        "published_logs.csv": [project("workflow/resources/published_logs.csv")],
        "population.parquet": per_cell("results/{population}/seeds-{seeds}/population.parquet", first),
        "after.parquet": per_cell("results/{population}/seeds-{seeds}/{classifier}/{method}/after.parquet", synthetic),
    }
    return [f for name in notebooks.reads(NOTEBOOKS[notebook]) for f in others.get(name, [f"results/{name}"])]


def benchmarks(cells):
    """The benchmark files of the jobs that cells need."""
    stages = [
        "prepare/{population}.seeds-{seeds}",
        "train/{population}.{classifier}.seeds-{seeds}",
        "measure_before/{population}.{classifier}.seeds-{seeds}",
        "recourse/{population}.{classifier}.{method}.seeds-{seeds}",
        "simulate/{population}.{classifier}.{method}.seeds-{seeds}",
        "measure/{population}.{classifier}.{method}.seeds-{seeds}",
    ]
    return [file for stage in stages for file in per_cell(f"results/benchmarks/{stage}.tsv", cells)]


def benchmarks_of(notebook):
    """Those of the jobs that an exhibit needs by itself: its own, and those of its study (else the main one)."""
    study = [notebook] if notebook in config["run"]["studies"] else [plan.MAIN]
    study += [config["comparison"]["study"]] * (notebook == "comparison")
    cells = plan.cells(config, *study) if notebooks.reads(NOTEBOOKS[notebook]) else []
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
