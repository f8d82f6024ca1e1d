# What all rules share: the checked configuration, the package on the path, and the lists of cells.
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(os.path.relpath(workflow.basedir))
PACKAGE = Path(workflow.basedir, "workflow", "src")
sys.path.insert(0, str(PACKAGE))
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(PACKAGE), os.getenv("PYTHONPATH")])))

from recourse_segregation import settings, tracking
from recourse_segregation.errors import ConfigError

try:
    settings.validate(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

ENVIRONMENT = "../../envs/environment.yaml"
BLOCKS = settings.blocks(config)
# (population, classifier) pairs: all that are trained, and those whose rejected are given recourse
TRAINED = [(p, c) for p in config["run"]["populations"] for c in config["populations"][p]["classifiers"]]
CELLS = [(p, c) for p in config["run"]["populations"] for c in config["populations"][p]["recourse"]]
NOTEBOOKS = ["populations", "synthetic", "segregation", "recourse_quality", "comparison"]


def code(script, *module):
    """Digest of the files that a script is made of, and of those of a module that it loads by name.

    As a parameter of its rule, it makes Snakemake run the rule again when one of them changes.
    """
    files = [Path(workflow.basedir, "workflow", "scripts", f"{script}.py")]
    return tracking.digest(*files, *([tracking.module(*module)] if module else []))


def per_cell(path, cells=CELLS):
    """The files of a path pattern over all blocks of seeds and cells, in the order of the configuration."""
    return [
        path.format(population=population, classifier=classifier, seeds=seeds, method=method)
        for population, classifier in cells
        for method in (config["run"]["methods"] if "{method}" in path else [None])
        for seeds in BLOCKS
    ]
