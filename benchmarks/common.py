"""What the benchmarks share: methods with their options, made-up people, and a cell that is measured in memory."""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("tests", "workflow/src")]

from recourse_segregation import classifiers, contracts, measure, methods, plan, recourse, simulation  # noqa: E402
from recourse_segregation.data import Dataset, Feature, Sensitive  # noqa: E402
from recourse_segregation.metrics.segregation import Neighbourhoods  # noqa: E402
from recourse_segregation.population import Population, prepare  # noqa: E402
from recourse_segregation.seeds import numpy_generator  # noqa: E402

torch.set_num_threads(1)

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
#: the options of the published network
NETWORK = CONFIG["classifiers"]["mlp"]["options"]


def options(method: str, population: str | None = None, **changes: Any) -> dict[str, Any]:
    """Every option of a method, as config.yaml has it for real data or for a population, with changes."""
    return plan.options_for(CONFIG, "methods", method, population) | changes


def make(method: str, **changes: Any) -> methods.Method:
    """A method with its `options`, for real data."""
    return methods.load(method)(**options(method, **changes))


def people(individuals: int, features: int, seed: int = 0) -> Population:
    """Made-up people: a group and `features` - 1 continuous features, three of which decide the label."""

    def draw(random_state: np.random.RandomState) -> pd.DataFrame:
        x = random_state.gamma(2.0, 1.0, (individuals, features - 1))
        group = random_state.rand(individuals) < 0.4
        score = x[:, 0] + x[:, 1] - x[:, 2] + 0.5 * ~group + random_state.normal(0, 0.5, individuals)
        frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(features - 1)])
        return frame.assign(label=(score > 1).astype(int), side=np.where(group, "b", "a"))

    columns = (Feature(f"x{i}", "continuous") for i in range(features - 1))
    side = Feature("side", "binary", ("a", "b"))
    dataset = Dataset("made_up", "", "", "", (*columns, side), {"side": Sensitive("side", ("a", "b"), "b")}, draw=draw)
    return prepare("made-up", dataset, "side", seed, individuals, CONFIG["prepare"]["test_share"])


def rejected(population: Population, classifier: classifiers.Classifier) -> torch.Tensor:
    """Those whom the classifier rejects: [n, d]."""
    x = classifiers.tensor(population.features)
    return x[~classifier.accepts(x)]


class Cell:
    """A population and its classifier, of which recourse and its measures can be had.

    settings: those of `measure` in config.yaml that are other ones here.
    """

    def __init__(self, population: Population, classifier: classifiers.Classifier, **settings: Any):
        self.population, self.classifier, self.settings = population, classifier, CONFIG["measure"] | settings
        self.train = population.training_part()
        self.accepted = contracts.accepted(classifiers.predictions(classifier, population), self.train)

    @cached_property
    def neighbourhoods(self) -> dict[str, Neighbourhoods]:
        return measure.fit_neighbourhoods(self.train, self.accepted, self.settings)

    def given(self, method: str, seed: int = 0, **changes: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The recourse of the rejected and its diagnostics; seed: that of the method's draws."""
        people = Population(self.population.encoding, self.population.table.assign(seed=seed))
        chosen = options(method, people.name, **changes)
        return recourse.generate([people], [self.classifier], "-", method, method, chosen)

    def taken_up(self, offered: pd.DataFrame) -> Population:
        """The people after everybody has taken up what they were offered."""
        generator = numpy_generator(0, "benchmark", "uptake")
        return simulation.implement(self.train, self.accepted, offered, generator, **CONFIG["simulate"])

    def measured(self, offered: pd.DataFrame) -> dict[tuple[str, str], float]:
        """Scope, metric -> value, after everybody has taken up what they were offered."""
        after = self.taken_up(offered)
        table = measure.after(self.train, self.accepted, offered, after, self.neighbourhoods, self.settings)
        return table.query("phase == 'after'").set_index(["scope", "metric"])["value"].to_dict()
