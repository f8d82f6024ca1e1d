"""Classifiers of one's own: torch modules and scikit-learn estimators, each defined in one file."""

from __future__ import annotations

import copy
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from elsewhere import DEVICE, Elsewhere
from recourse_segregation import classifiers, declarations, methods, models, recourse, settings
from recourse_segregation.errors import ConfigError, RecourseError
from recourse_segregation.seeds import torch_generator

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))

DROPOUT = """
from torch.nn import Dropout, Linear, Module, ReLU, Sequential

from ..options import Count, Probability


def build(columns, width: Count = 16, dropout: Probability = 0.1) -> Module:
    return Sequential(Linear(columns, width), ReLU(), Dropout(dropout), Linear(width, 2))
"""
ONE_LOGIT = """
from torch import nn


def build(columns) -> nn.Module:
    return nn.Sequential(nn.Linear(columns, 8), nn.Tanh(), nn.BatchNorm1d(8), nn.LazyLinear(1))
"""
FOREST = """
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier

from ..options import Count


def build(columns, *, trees: Count = 20) -> BaseEstimator:
    return RandomForestClassifier(trees, max_features=columns, n_jobs=2)
"""
PIPELINE = """
from sklearn import base
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC


def build(columns) -> "base.BaseEstimator":
    return make_pipeline(StandardScaler(), CalibratedClassifierCV(LinearSVC()))
"""
KINDS = {"dropout": DROPOUT, "one_logit": ONE_LOGIT, "forest": FOREST, "pipeline": PIPELINE}
NETWORKS = ("dropout", "one_logit")


@pytest.fixture
def write(tmp_path, monkeypatch):
    """write(name, source): put a file under the models/ of a package folder of the test's own."""
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "methods").symlink_to(Path(methods.__file__).parent)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(declarations, "_PACKAGE", tmp_path)
    monkeypatch.setattr(models, "__path__", [str(folder), *models.__path__])

    def forget() -> None:
        for file in folder.glob("*.py"):
            sys.modules.pop(f"{models.__name__}.{file.stem}", None)
        declarations.build.cache_clear()
        settings.model_schema.cache_clear()

    def put(name: str, source: str) -> None:
        forget()
        (folder / f"{name}.py").write_text(source, encoding="utf-8")

    yield put
    forget()


def fitted(name: str, population, **options):
    quick = {"epochs": 60} if declarations.has_gradients(name) else {}
    return models.train(name, population, torch_generator(0, "train", name), **(quick | options))


@pytest.mark.parametrize("name", KINDS)
def test_a_model_learns_is_the_same_twice_and_survives_a_file(name, write, people, tmp_path):
    write(name, KINDS[name])
    population = people["levels"]
    before = torch.get_rng_state()
    classifier = fitted(name, population)
    assert torch.equal(torch.get_rng_state(), before), "torch's own stream is left alone"
    predicted = classifiers.predictions(classifier, population)
    test = ~population.train
    assert (predicted["accepted"] == (population.labels == 1))[test].mean() > 0.8
    assert np.isfinite(predicted["margin"]).all()
    torch.manual_seed(17)
    np.random.seed(17)
    assert classifiers.predictions(fitted(name, population), population).equals(predicted)

    classifiers.save({3: classifier}, tmp_path / "classifier.pt")
    assert torch.load(tmp_path / "classifier.pt", weights_only=True)[3]["model"] == name
    loaded = classifiers.load(tmp_path / "classifier.pt")[3]
    assert classifiers.predictions(loaded, population).equals(predicted)
    assert classifiers.predictions(loaded.to("cpu"), population).equals(predicted)
    x = classifiers.tensor(population.features)
    assert torch.equal(loaded.accepts(x), loaded.margin(x) > 0)
    assert loaded.margin(x[:0]).shape == (0,)


def test_another_seed_gives_another_classifier(write, people):
    x = classifiers.tensor(people["levels"].features)
    for name in ("dropout", "one_logit", "forest"):
        write(name, KINDS[name])
        options = {"epochs": 1} if name in NETWORKS else {}
        first, second = (models.train(name, people["levels"], torch_generator(s), **options) for s in (0, 1))
        assert not torch.equal(first.margin(x), second.margin(x)), name


@pytest.mark.parametrize("outputs", [2, 1])
def test_a_module_is_trained_by_the_recipe_of_the_built_in_networks(outputs, write, people):
    """Cross-entropy of a softmax by RMSprop, written with torch's own loss."""
    write(
        "plain",
        f"from torch.nn import Linear, Module\n\ndef build(columns) -> Module:\n    return Linear(columns, {outputs})",
    )
    population = people["continuous"]
    classifier = models.train("plain", population, torch_generator(5), learning_rate=0.02, epochs=3, batch=32)

    generator = torch_generator(5)
    seed = int(torch.randint(2**32, (), generator=generator))
    x = classifiers.tensor(population.features[population.train])
    y = torch.tensor(population.labels[population.train])
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = torch.nn.Linear(x.shape[1], outputs)
    optimiser = torch.optim.RMSprop(module.parameters(), 0.02)
    for _ in range(3):
        for rows in torch.randperm(len(x), generator=generator).split(32):
            logits = module(x[rows])
            if outputs == 1:
                logits = torch.cat([torch.zeros_like(logits), logits], 1)
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(logits, y[rows]).backward()
            optimiser.step()
    for name, weight in module.state_dict().items():
        torch.testing.assert_close(classifier.module.state_dict()[name], weight)


def test_a_module_has_the_gradient_of_its_margin_in_inference_mode(write, people, trained):
    """A copy of the built-in network says the same, to rounding, with a gradient that autograd takes."""
    built_in = trained["levels", "mlp"]
    (w1, b1), (w2, b2) = built_in.state()["layers"]
    write("copy", DROPOUT.replace("Dropout(dropout), ", ""))
    weights = {"0.weight": w1, "0.bias": b1, "2.weight": w2, "2.bias": b2}
    copied = models.from_state({"model": "copy", "options": {}, "columns": w1.shape[1], "weights": weights})
    with torch.inference_mode():
        x = classifiers.tensor(people["levels"].features)
        for mine, theirs in zip(copied.margin_and_gradient(x), built_in.margin_and_gradient(x), strict=True):
            torch.testing.assert_close(mine, theirs)
        torch.testing.assert_close(copied.margin(x), built_in.margin(x))


@pytest.mark.parametrize(
    ("name", "method"), [("dropout", "wachter"), ("dropout", "growing_spheres"), ("forest", "growing_spheres")]
)
def test_methods_give_recourse_for_a_model(name, method, write, people):
    write(name, KINDS[name])
    population = people["continuous"]
    classifier = fitted(name, population)
    table, _ = recourse.generate([population], [classifier], name, method, method, {})
    assert len(table) > 10
    assert table["found"].mean() > 0.9
    moved = table.loc[table["found"], list(population.encoding.columns)].to_numpy()
    assert classifier.accepts(classifiers.tensor(moved)).all()


def test_an_estimator_need_not_take_the_rows_of_those_without_recourse(write, people):
    write("pipeline", PIPELINE)
    classifier = fitted("pipeline", people["continuous"])
    table, _ = recourse.generate([people["continuous"]], [classifier], "pipeline", "nobody", "nobody", {})
    assert (table["reason"] == "nothing found").all()
    x = classifiers.tensor(people["continuous"].features[:3])
    x[1] = torch.nan
    assert torch.isnan(classifier.margin(x)).tolist() == [False, True, False]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_module_follows_the_device(name, write, people, tmp_path):
    """On a simulated device (see `elsewhere`) the numbers are those of the CPU."""
    write(name, KINDS[name])
    x = classifiers.tensor(people["levels"].features)
    near = fitted(name, people["levels"], epochs=2)
    with Elsewhere():
        far = fitted(name, people["levels"], epochs=2, device=DEVICE)
        classifiers.save({0: far}, tmp_path / "classifier.pt")
        loaded = classifiers.load(tmp_path / "classifier.pt", DEVICE)[0]
        for classifier in (far, loaded, near.to(DEVICE)):
            assert classifier.device == classifier.margin(x.to(DEVICE)).device == DEVICE
            assert torch.equal(classifier.margin(x.to(DEVICE)).cpu(), near.margin(x))
            slope = classifier.margin_and_gradient(x.to(DEVICE))[1]
            assert torch.equal(slope.cpu(), near.margin_and_gradient(x)[1])


def test_an_estimator_stays_on_the_cpu(write, people, tmp_path):
    write("forest", FOREST)
    x = classifiers.tensor(people["levels"].features)
    with Elsewhere():
        classifier = fitted("forest", people["levels"], device=DEVICE)
        classifiers.save({0: classifier}, tmp_path / "classifier.pt")
        loaded = classifiers.load(tmp_path / "classifier.pt", DEVICE)[0]
        assert loaded.device == loaded.to(DEVICE).device == torch.device("cpu")
        far = loaded.margin(x.to(DEVICE))
        assert far.device == DEVICE, "but it answers where it is asked"
        assert torch.equal(far.cpu(), classifier.margin(x))


GIVEN = """
import numpy as np
from sklearn.base import BaseEstimator

P = {values}


class Given(BaseEstimator):
    def fit(self, x, y):
        return self

    def predict_proba(self, x):
        favourable = np.array(P, dtype=float)[np.arange(len(x)) % len(P)]
        return np.stack([1 - favourable, favourable], 1)


def build(columns) -> BaseEstimator:
    return Given()
"""


def test_the_margin_of_an_estimator_is_finite_and_positive_where_more_than_half(write, people):
    half = [np.nextafter(0.5, 0), 0.5, np.nextafter(0.5, 1)]
    write("given", GIVEN.format(values=[0.0, *half, 1.0, 0.8]))
    classifier = fitted("given", people["continuous"])
    margin = classifier.margin(torch.zeros(6, 4))
    assert margin.dtype == torch.float32
    assert (margin > 0).tolist() == [False, False, False, True, True, True]
    assert margin[[0, 4]].tolist() == pytest.approx([-16.118, 16.118], abs=1e-3)
    assert margin[5] == pytest.approx(np.log(4))


def test_every_random_state_and_thread_of_an_estimator_is_set(write, people):
    write("forest", FOREST)
    assert fitted("forest", people["levels"]).estimator.n_jobs == 1
    write("pipeline", PIPELINE)
    parameters = fitted("pipeline", people["levels"]).estimator.get_params()
    assert isinstance(parameters["calibratedclassifiercv__estimator__random_state"], int)


# What is refused, and what is said

IMPORTS = """
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.svm import LinearSVC
from torch.nn import Linear, LSTM, Module
def """


@pytest.mark.parametrize(
    ("build", "says"),
    [
        ("build(columns) -> Module: return Linear(columns, 3)", r"two logits, \[n, 2\].*gives \(2, 3\)"),
        ("build(columns) -> Module: return LSTM(columns, 2)", "it gives tuple"),
        ("build(columns) -> Module: return 'linear'", "return what it says, a torch Module; it returned 'linear'"),
        ("build(columns) -> Module: return Linear", "return what it says, a torch Module"),
        ("build(columns) -> BaseEstimator: return None", "a sklearn BaseEstimator; it returned None"),
        ("build(columns) -> BaseEstimator: return Linear(columns, 2)", "a sklearn BaseEstimator; it returned Linear"),
        ("build(columns) -> BaseEstimator: return LinearSVC()", "LinearSVC has no predict_proba.*CalibratedClassifier"),
        ("build(columns) -> BaseEstimator: return LinearRegression()", "LinearRegression has no predict_proba"),
        ("build(columns): return Linear(columns, 2)", r"must say what it returns: `-> Module`.* not nothing"),
        ("build(columns) -> Linear: return Linear(columns, 2)", "not Linear"),
        ("build(width) -> Module: return Linear(width, 2)", "first argument of `build` must be `columns`"),
        ("make(columns) -> Module: return Linear(columns, 2)", "must define one function `build`; it defines 0"),
        ("build(columns) -> Module", r"models/mine\.py, line 6"),
    ],
)
def test_a_file_that_gives_no_classifier_is_refused(build, says, write, people):
    write("mine", IMPORTS + build)
    with pytest.raises(ConfigError, match=says) as error:
        fitted("mine", people["levels"])
    assert "models/mine.py" in str(error.value)


def test_an_unknown_model_is_refused(write, people):
    write("forest", FOREST)
    with pytest.raises(ConfigError, match="unknown model 'florist'; there are: forest"):
        models.train("florist", people["levels"], torch_generator(0))


def test_a_training_that_diverges_is_an_error(write, people):
    write("dropout", DROPOUT)
    with pytest.raises(RecourseError, match=r"models/dropout\.py: training diverged"):
        fitted("dropout", people["levels"], learning_rate=1e38, epochs=2)


def test_probabilities_that_are_none_are_an_error(write, people):
    write("given", GIVEN.format(values=[0.5, 1.5]))
    with pytest.raises(RecourseError, match=r"models/given\.py: predict_proba must give two probabilities.* to 1\.5"):
        classifiers.predictions(fitted("given", people["levels"]), people["levels"])


def test_a_file_that_gives_another_network_by_now_is_an_error(write, people):
    write("dropout", DROPOUT)
    state = fitted("dropout", people["levels"]).state()
    write("dropout", DROPOUT.replace("ReLU(), ", "ReLU(), ReLU(), "))
    with pytest.raises(RecourseError, match=r"models/dropout\.py gives another network than was trained"):
        classifiers.from_state(state)


def test_an_estimator_that_is_not_the_same_twice_is_an_error(write, people):
    """It draws from numpy's own stream, which nobody seeds."""
    fit = "def fit(self, x, y):\n        P[0] = np.random.rand()"
    write("given", GIVEN.format(values=[0.1, 0.9]).replace("def fit(self, x, y):", fit))
    state = fitted("given", people["levels"]).state()
    with pytest.raises(RecourseError, match=r"models/given\.py, fitted to the same people again, gives other"):
        classifiers.from_state(state)


def test_a_method_that_needs_gradients_cannot_have_an_estimator(write, people):
    write("forest", FOREST)
    with pytest.raises(
        RecourseError, match=r"gradient of models/forest\.py.* ask for none: .*growing_spheres"
    ) as error:
        recourse.generate([people["levels"]], [fitted("forest", people["levels"])], "forest", "wachter", "wachter", {})
    assert "wachter" not in str(error.value)


@pytest.mark.parametrize("method", methods.names())
def test_methods_say_whether_they_need_gradients(method):
    source = Path(methods.__file__).with_name(f"{method}.py").read_text(encoding="utf-8")
    assert declarations.needs_gradients(method) == ("margin_and_gradient" in source)
    assert methods.load(method).needs_gradients == declarations.needs_gradients(method)


# The configuration


def configured(classifier: dict, name: str = "forest", run: tuple[str, ...] = ("growing_spheres",)) -> dict:
    config = copy.deepcopy(CONFIG)
    config["run"] |= {"populations": ["synthetic"], "methods": list(run), "studies": []}
    config["populations"]["synthetic"] |= {"classifiers": ["linear", name], "recourse": [name]}
    config["classifiers"][name] = classifier
    return config


@pytest.mark.parametrize(
    ("name", "entry"), [("forest", {}), ("forest", {"options": {"trees": 5}}), ("grove", {"model": "forest"})]
)
def test_a_model_is_found_by_the_name_of_its_file(name, entry, write):
    write("forest", FOREST)
    config = settings.validate(configured(entry, name))
    assert settings.model_of(config, name) == "forest"
    assert settings.modules_of(config, name) == ["models.forest"]
    assert settings.model_of(config, "linear") is None
    assert settings.modules_of(config, "linear") == []


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"model": "forrest"}, ["classifiers.forest.model", "did you mean 'forest'?", "or write models/forrest.py"]),
        ({"options": {"tree": 5}}, ["classifiers.forest.options", "'tree'", "did you mean 'trees'?"]),
        ({"options": {"trees": 0}}, ["classifiers.forest.options.trees", "at least 1"]),
        ({"options": {"epochs": 5}}, ["classifiers.forest.options", "'epochs'", "allowed: trees"]),
        ({"populations": {"synthetic": {"trees": "all"}}}, ["classifiers.forest.populations.synthetic.trees"]),
        ({"model": "dropout", "options": {"epoch": 1}}, ["'epoch'", "batch, dropout, epochs, learning_rate, width"]),
    ],
)
def test_options_of_a_model_are_those_of_its_build(entry, says, write):
    write("forest", FOREST)
    write("dropout", DROPOUT)
    with pytest.raises(ConfigError) as error:
        settings.validate(configured(entry))
    for part in says:
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("batch: Count = 1", "'batch' is an option of training"),
        ("device: Count = 1", "'device' is an option of training"),
        ("width: int = 16", r"models/mine\.py: the option 'width' must be annotated"),
    ],
)
def test_an_option_that_cannot_be_one_is_refused(argument, says, write):
    write("mine", DROPOUT.replace("width: Count = 16", argument))
    with pytest.raises(ConfigError, match=says):
        settings.validate(configured({}, "mine"))


def test_an_estimator_and_a_method_that_needs_gradients_are_refused_before_anything_runs(write):
    write("forest", FOREST)
    write("dropout", DROPOUT)
    wanted = ("growing_spheres", "wachter-compatible", "cruds")
    with pytest.raises(ConfigError) as error:
        settings.validate(configured({}, run=wanted))
    for part in ("populations.synthetic.recourse", "'forest'", "the methods wachter-compatible, cruds", "face"):
        assert part in str(error.value)
    assert settings.validate(configured({}, "dropout", wanted)), "a torch module has gradients"
    config = configured({}, run=wanted)
    config["populations"]["synthetic"]["recourse"] = ["linear"]
    assert settings.validate(config), "it is trained and reported, nobody asks it for recourse"


def test_a_study_that_is_run_with_an_estimator_is_checked_too(write):
    write("forest", FOREST)
    config = configured({})
    assert settings.validate(copy.deepcopy(config)), "studies that are not run do not matter"
    config["run"]["studies"] = ["controls"]
    with pytest.raises(ConfigError, match="'forest' is a scikit-learn estimator"):
        settings.validate(config)


def test_an_estimator_in_a_study_of_its_own_leaves_the_other_methods_to_the_others(write):
    """As docs/adding_a_classifier.md shows."""
    write("forest", FOREST)
    config = copy.deepcopy(CONFIG)
    page = (ROOT / "docs" / "adding_a_classifier.md").read_text(encoding="utf-8")
    (own,) = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(populations:.*?)```", page, re.DOTALL))
    config["classifiers"]["forest"] = {}
    config["populations"] |= own["populations"]
    config["studies"] |= own["studies"]
    config["run"]["studies"] = ["forest"]
    cells = settings.cells(settings.validate(config))
    assert {c.method for c in cells if c.classifier == "forest"} == {"growing_spheres", "face", "ebr"}
    assert {"wachter", "cruds"} <= {c.method for c in cells if c.population == "synthetic"}
