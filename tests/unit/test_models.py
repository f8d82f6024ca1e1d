"""The built-in networks, and classifiers of one's own: torch modules and scikit-learn estimators in files."""

import copy
import inspect

import numpy as np
import pytest
import torch
import yaml
from common import CONFIG, options
from references import descend

from elsewhere import DEVICE, elsewhere
from recourse_segregation import classifiers, declarations, plan, recourse, settings
from recourse_segregation.errors import ConfigError, RecourseError
from recourse_segregation.seeds import torch_generator
from workflow_tools import shown

DROPOUT, FOREST = shown("adding_a_classifier.md", "python")
ONE_LOGIT = """
from torch import nn

def build(columns) -> nn.Module:
    return nn.Sequential(nn.Linear(columns, 8), nn.Tanh(), nn.BatchNorm1d(8), nn.LazyLinear(1))
"""
PIPELINE = """
from sklearn import base
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

def build(columns) -> "base.BaseEstimator":
    return make_pipeline(StandardScaler(), CalibratedClassifierCV(LinearSVC(), n_jobs=2))
"""
#: an estimator that gives probabilities `P`, whatever it is fitted to
GIVEN = """
import numpy as np
from sklearn.base import BaseEstimator

class Given(BaseEstimator):
    def fit(self, x, y):
        self.p = np.array({values}, dtype=float)
        return self

    def predict_proba(self, x):
        favourable = self.p[np.arange(len(x)) % len(self.p)]
        return np.stack([1 - favourable, favourable], 1)

def build(columns) -> BaseEstimator:
    return Given()
"""
TRAINING = {"learning_rate": 0.01, "epochs": 60, "batch": 32}
#: name -> its file, if it is not built in, and its options
KINDS = {
    "linear": ("", {"hidden": (), **TRAINING, "rejected": None}),
    "mlp": ("", {"hidden": (8,), **TRAINING, "rejected": None}),
    "dropout": (DROPOUT, {"width": 16, "dropout": 0.1, **TRAINING}),
    "one_logit": (ONE_LOGIT, TRAINING),
    "forest": (FOREST, {"trees": 20, "leaf": 1}),
    "pipeline": (PIPELINE, {}),
}


@pytest.fixture
def fit(write, people):
    """fit(name, kind, seed, device, source, options): write the file of that name, and train its model."""

    def train(name: str, kind: str = "levels", seed: int = 0, device="cpu", source: str = "", **changes):
        known, chosen = KINDS.get(name, ("", {}))
        if source := source or known:
            write(f"models/{name}.py", source)
        generator, model = torch_generator(seed, "train", name), name if source else None
        return classifiers.train(people[kind], generator, model, device, **chosen | changes)

    return train


@pytest.mark.parametrize("name", KINDS)
def test_a_model_learns_is_the_same_twice_and_survives_a_file(name, fit, people, tmp_path):
    population, before = people["levels"], torch.get_rng_state()
    classifier = fit(name)
    assert torch.equal(torch.get_rng_state(), before), "torch's own stream is left alone"
    predicted = classifiers.predictions(classifier, population)
    summary = classifiers.summary(population, name, predicted)
    assert summary["individuals"].sum() == len(population.table)
    test = summary.query("split == 'test'")
    assert test["correct"].sum() / test["individuals"].sum() > 0.8
    assert summary.groupby("group")["minority"].first().to_dict() == {"men": False, "women": True}
    assert np.isfinite(predicted["margin"]).all()
    torch.manual_seed(17)
    np.random.seed(17)
    classifiers.save({3: classifier}, tmp_path / "classifier.pt")
    state = torch.load(tmp_path / "classifier.pt", weights_only=True)[3]
    assert state.get("model", "") == (name if KINDS[name][0] else "")
    loaded = classifiers.load(tmp_path / "classifier.pt")[3]
    for same in (fit(name), loaded):
        assert classifiers.predictions(same, population).equals(predicted)
    x = classifiers.tensor(population.features)
    assert torch.equal(loaded.accepts(x), loaded.margin(x) > 0)
    assert loaded.margin(x[:0]).shape == (0,)
    if name != "pipeline":  # which draws nothing
        assert not torch.equal(fit(name, seed=1).margin(x), loaded.margin(x)), "another seed gives another classifier"


@pytest.mark.parametrize("name", ["linear", "mlp"])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.6])
def test_a_share_of_train_is_rejected_by_the_same_network(share, name, fit, people):
    """Its margin is that of the classifier without the option, shifted; on another device too."""
    x = classifiers.tensor(people["levels"].features)
    train = torch.tensor(people["levels"].train)
    free, strict = fit(name), fit(name, rejected=share)
    shift = strict.margin(x) - free.margin(x)
    torch.testing.assert_close(shift, shift[:1].expand(len(x)), rtol=0, atol=1e-5)
    with torch.inference_mode():
        assert torch.equal(strict.margin_and_gradient(x)[1], free.margin_and_gradient(x)[1])
    accepted = strict.accepts(x)
    assert (~accepted[train]).sum() == round(share * len(x[train]))
    assert free.margin(x)[train & ~accepted].max() < free.margin(x)[train & accepted].min()
    assert torch.equal(classifiers.from_state(strict.state()).margin(x), strict.margin(x))
    with elsewhere():
        assert torch.equal(fit(name, rejected=share, device=DEVICE).margin(x.to(DEVICE)).cpu(), strict.margin(x))


def test_people_who_tie_are_rejected_together(fit, people):
    classifier, x = fit("mlp"), classifiers.tensor(people["levels"].features)
    worst, best = x[classifier.margin(x).argmin()], x[classifier.margin(x).argmax()]
    classifier.reject(0.2, torch.stack([best, *[worst] * 4, *[best] * 3]))
    assert classifier.accepts(torch.stack([worst, best])).tolist() == [False, True]
    for share in (0.6, 0.999):
        with pytest.raises(ConfigError, match=f"rejected: {share}: nobody of 8 people would be accepted"):
            classifier.reject(share, torch.stack([*[worst] * 4, *[best] * 4]))


@pytest.mark.parametrize("outputs", [2, 1])
def test_a_module_is_trained_by_the_recipe_of_the_built_in_networks(outputs, fit, people):
    """Cross-entropy of a softmax by RMSprop, written with torch's own loss."""
    source = (
        f"from torch.nn import Linear, Module\ndef build(columns) -> Module:\n    return Linear(columns, {outputs})"
    )
    classifier = fit("plain", "continuous", source=source, learning_rate=0.02, epochs=3, batch=32)

    population, generator = people["continuous"], torch_generator(0, "train", "plain")
    x = classifiers.tensor(population.features[population.train])
    y = torch.tensor(population.labels[population.train])
    with torch.random.fork_rng():
        torch.manual_seed(int(torch.randint(2**32, (), generator=generator)))
        module = torch.nn.Linear(x.shape[1], outputs)
    optimiser = torch.optim.RMSprop(module.parameters(), 0.02)
    for _ in range(3):
        for rows in torch.randperm(len(x), generator=generator).split(32):
            logits = module(x[rows])
            if outputs == 1:
                logits = torch.cat([torch.zeros_like(logits), logits], 1)
            descend(optimiser, torch.nn.functional.cross_entropy(logits, y[rows]))
    torch.testing.assert_close(dict(classifier.module.state_dict()), dict(module.state_dict()))


def test_a_module_has_the_gradient_of_its_margin_in_inference_mode(write, people, trained):
    """A copy of the built-in network says the same, to rounding, with a gradient that autograd takes."""
    built_in = trained["levels", "mlp"]
    (w1, b1), (w2, b2) = built_in.state()["layers"]
    write("models/copy.py", DROPOUT.replace("Dropout(dropout), ", ""))
    weights = {"0.weight": w1, "0.bias": b1, "2.weight": w2, "2.bias": b2}
    chosen = {"width": 16, "dropout": 0.1}
    copied = classifiers.from_state({"model": "copy", "options": chosen, "columns": w1.shape[1], "weights": weights})
    with torch.inference_mode():
        x = classifiers.tensor(people["levels"].features)
        torch.testing.assert_close(copied.margin_and_gradient(x), built_in.margin_and_gradient(x))
        torch.testing.assert_close(copied.margin(x), built_in.margin(x))


@pytest.mark.parametrize(
    ("name", "method"), [("dropout", "wachter"), ("dropout", "growing_spheres"), ("forest", "growing_spheres")]
)
def test_methods_give_recourse_for_a_model(name, method, fit, people):
    population, classifier = people["continuous"], fit(name, "continuous")
    table, _ = recourse.generate([population], [classifier], name, method, method, options(method))
    assert len(table) > 10
    assert table["found"].mean() > 0.9
    moved = table.loc[table["found"], list(population.encoding.columns)].to_numpy()
    assert classifier.accepts(classifiers.tensor(moved)).all()


def test_an_estimator_need_not_take_the_rows_of_those_without_recourse(fit, people):
    classifier = fit("pipeline", "continuous")
    table, _ = recourse.generate([people["continuous"]], [classifier], "pipeline", "nobody", "nobody", {})
    assert (table["reason"] == "nothing found").all()
    x = classifiers.tensor(people["continuous"].features[:3])
    x[1] = torch.nan
    assert torch.isnan(classifier.margin(x)).tolist() == [False, True, False]


@pytest.mark.parametrize("name", ["linear", "mlp", "dropout", "one_logit"])
def test_a_network_follows_the_device(name, fit, people, tmp_path):
    """Trained on a simulated device (see `elsewhere`), loaded there or moved there, it says what it says on the CPU."""
    near, x = fit(name, epochs=2), classifiers.tensor(people["levels"].features)
    with elsewhere():
        far = fit(name, device=DEVICE, epochs=2)
        classifiers.save({0: far}, tmp_path / "classifier.pt")
        loaded = classifiers.load(tmp_path / "classifier.pt", DEVICE)[0]
        for classifier in (far, loaded, classifiers.from_state(near.state(), DEVICE)):
            assert classifier.device == classifier.margin(x.to(DEVICE)).device == DEVICE
            assert torch.equal(classifier.margin(x.to(DEVICE)).cpu(), near.margin(x))
            slope = classifier.margin_and_gradient(x.to(DEVICE))[1]
            assert torch.equal(slope.cpu(), near.margin_and_gradient(x)[1])
        predicted = classifiers.predictions(far, people["levels"])
    assert predicted.equals(classifiers.predictions(near, people["levels"]))
    assert classifiers.load(tmp_path / "classifier.pt")[0].device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")
@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_a_built_in_network_trains_on_cuda_as_on_the_cpu(name, fit, people):
    x = classifiers.tensor(people["levels"].features)
    near, far = (fit(name, device=device, epochs=3) for device in ("cpu", "cuda"))
    torch.testing.assert_close(far.margin(x.cuda()).cpu(), near.margin(x), rtol=1e-3, atol=1e-3)


def test_an_estimator_stays_on_the_cpu(fit, people, tmp_path):
    x = classifiers.tensor(people["levels"].features)
    with elsewhere():
        classifier = fit("forest", device=DEVICE)
        classifiers.save({0: classifier}, tmp_path / "classifier.pt")
        loaded = classifiers.load(tmp_path / "classifier.pt", DEVICE)[0]
        assert loaded.device == torch.device("cpu")
        far = loaded.margin(x.to(DEVICE))
        assert far.device == DEVICE, "but it answers where it is asked"
        assert torch.equal(far.cpu(), classifier.margin(x))


def test_the_margin_of_an_estimator_is_finite_and_positive_where_more_than_half(fit, people):
    half = [np.nextafter(0.5, 0), 0.5, np.nextafter(0.5, 1)]
    values = [float(p) for p in (0.0, *half, 1.0, 0.8)]
    margin = fit("given", "continuous", source=GIVEN.format(values=values)).margin(torch.zeros(6, 4))
    assert margin.dtype == torch.float32
    assert (margin > 0).tolist() == [False, False, False, True, True, True]
    assert margin[[0, 4, 5]].tolist() == pytest.approx([-16.118, 16.118, np.log(4)], abs=1e-3)
    none = fit("given", source=GIVEN.format(values=[0.5, 1.5]))
    with pytest.raises(RecourseError, match=r"models/given\.py: predict_proba must give two probabilities.* to 1\.5"):
        classifiers.predictions(none, people["levels"])


def test_every_random_state_and_thread_of_an_estimator_is_set(fit):
    parameters = fit("pipeline").estimator.get_params()
    assert isinstance(parameters["calibratedclassifiercv__estimator__random_state"], int)
    assert parameters["calibratedclassifiercv__n_jobs"] == 1


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
        ("build(columns): return Linear(columns, 2)", "says? what it returns: `-> Module`"),
        ("build(columns) -> Linear: return Linear(columns, 2)", "says? what it returns: `-> Module`"),
        ("build(width) -> Module: return Linear(width, 2)", "first argument.*`columns`"),
        ("make(columns) -> Module: return Linear(columns, 2)", "must define (one|a) function `build`"),
        ("build(columns) -> Module", r"models/mine\.py, line 6"),
    ],
)
def test_a_file_that_gives_no_classifier_is_refused(build, says, fit):
    with pytest.raises(ConfigError, match=says) as error:
        fit("mine", source=IMPORTS + build, **(TRAINING if "-> Module: return" in build else {}))
    assert "models/mine.py" in str(error.value)


def test_an_unknown_model_is_refused(write, people):
    write("models/forest.py", FOREST)
    with pytest.raises(ConfigError, match="unknown model 'florist'; there are: forest"):
        classifiers.train(people["levels"], torch_generator(0), "florist")


def test_a_training_that_diverges_is_an_error(fit):
    with pytest.raises(RecourseError, match=r"models/dropout\.py: training diverged.*learning_rate"):
        fit("dropout", learning_rate=1e38, epochs=2)


def test_a_file_that_gives_another_classifier_by_now_is_an_error(write, fit):
    """Another network; or an estimator that draws from numpy's own stream, which nobody seeds."""
    network, estimator = (fit("dropout"), fit("given", source=GIVEN.format(values="[np.random.rand()]")))
    write("models/dropout.py", DROPOUT.replace("ReLU(), ", "ReLU(), ReLU(), "))
    with pytest.raises(RecourseError, match=r"models/dropout\.py gives another network than was trained"):
        classifiers.from_state(network.state())
    with pytest.raises(RecourseError, match=r"models/given\.py, fitted to the same people again, gives other"):
        classifiers.from_state(estimator.state())


def test_a_method_that_needs_gradients_cannot_have_an_estimator(fit, people):
    given = [people["levels"]], [fit("forest")], "forest", "wachter", "wachter", options("wachter")
    with pytest.raises(RecourseError, match=r"gradient of models/forest\.py, which has none") as error:
        recourse.generate(*given)
    assert "wachter" not in str(error.value)


@pytest.fixture
def configured(write):
    """configured(classifier, name, run): a configuration whose synthetic population that classifier decides on."""
    for name in ("forest", "dropout"):
        write(f"models/{name}.py", KINDS[name][0])

    def config(classifier: dict, name: str = "forest", *run: str) -> dict:
        config = copy.deepcopy(CONFIG)
        config["run"] |= {"populations": ["synthetic"], "methods": [*(run or ["growing_spheres"])], "studies": []}
        config["populations"]["synthetic"] |= {"classifiers": ["linear", name], "decided_by": [name]}
        config["classifiers"][name] = classifier
        return config

    return config


def given(name: str, **changes) -> dict:
    return {"options": KINDS[name][1] | changes}


@pytest.mark.parametrize(("name", "entry"), [("forest", {}), ("grove", {"model": "forest", "label": "A grove"})])
def test_a_model_is_found_by_the_name_of_its_file(name, entry, configured):
    config = settings.validate(configured(entry | given("forest"), name))
    assert plan.model_file(config, name) == "forest"
    assert plan.model_modules(config, name) == ["models.forest"]
    assert plan.model_file(config, "linear") is None
    assert plan.model_modules(config, "linear") == []


def test_the_options_of_training_are_those_of_fit(configured):
    """The signature is the schema, of the built-in networks too."""
    built_in = declarations.model_options(None)
    assert built_in["required"] == list(inspect.signature(classifiers.BuiltIn.fit).parameters)[3:]
    assert built_in["required"] == ["hidden", *TRAINING, "rejected"]
    assert declarations.model_options("dropout")["required"] == ["width", "dropout", *TRAINING]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"model": "forrest"}, ["classifiers.forest.model", "did you mean 'forest'?", "or write models/forrest.py"]),
        (given("forest", tree=5), ["classifiers.forest.options", "'tree'", "did you mean 'trees'?"]),
        (given("forest", trees=0), ["classifiers.forest.options.trees", "at least 1"]),
        (given("forest", rejected=0.2), ["classifiers.forest.options", "'rejected'", "allowed: leaf, trees"]),
        (given("forest", epochs=5), ["classifiers.forest.options", "'epochs'", "allowed: leaf, trees"]),
        ({}, ["classifiers.forest.options", "'trees'", "is missing"]),
        ({"populations": {"synthetic": {"trees": "all"}}}, ["classifiers.forest.populations.synthetic.trees"]),
        ({"model": "dropout", "options": {"epoch": 1}}, ["'epoch'", "batch, dropout, epochs, learning_rate, width"]),
    ],
)
def test_options_of_a_model_are_those_of_its_build(entry, says, configured):
    with pytest.raises(ConfigError) as error:
        settings.validate(configured(entry))
    assert all(part in str(error.value) for part in says), error.value


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("*, batch: Count", "'batch' is an option of training"),
        ("device: Count", "'device' is an option of training"),
    ],
)
def test_an_option_that_cannot_be_one_is_refused(argument, says, configured, write):
    write("models/mine.py", DROPOUT.replace("width: Count", argument))
    with pytest.raises(ConfigError, match=says):
        settings.validate(configured({}, "mine"))


def test_an_estimator_and_a_method_that_needs_gradients_are_refused_before_anything_runs(configured):
    wanted = ("growing_spheres", "wachter-compatible", "cruds")
    config = configured(given("forest"), "forest", *wanted)
    with pytest.raises(ConfigError) as error:
        settings.validate(config)
    for part in ("populations.synthetic.decided_by", "'forest'", "'wachter-compatible'", "'cruds'", "face"):
        assert part in str(error.value)
    assert settings.validate(configured(given("dropout"), "dropout", *wanted)), "a torch module has gradients"
    config["run"] |= {"methods": ["growing_spheres"], "studies": ["controls"]}
    with pytest.raises(ConfigError, match="'forest' is a scikit-learn estimator"):
        settings.validate(config)
    config["run"]["studies"] = ["strictness"]
    config["studies"]["strictness"]["classifiers"] = ["forest"]
    config["populations"]["synthetic"]["decided_by"] = ["linear"]
    with pytest.raises(ConfigError, match=r"studies.strictness.classifiers: 'forest' is a scikit-learn estimator"):
        settings.validate(config)
    config["populations"]["synthetic"]["decided_by"] = ["forest"]
    config["run"]["studies"] = []
    assert settings.validate(config), "studies that are not run do not matter"
    config["run"]["methods"] = list(wanted)
    config["populations"]["synthetic"]["decided_by"] = ["linear"]
    assert settings.validate(config), "it is trained and reported, nobody asks it for recourse"


def test_an_estimator_in_a_study_of_its_own_leaves_the_other_methods_to_the_others(write):
    """As docs/adding_a_classifier.md shows."""
    write("models/forest.py", FOREST)
    config = copy.deepcopy(CONFIG) | {"run": CONFIG["run"] | {"studies": ["forest"]}}
    blocks = shown("adding_a_classifier.md", "yaml")
    (own,) = (yaml.safe_load(block) for block in blocks if block.startswith("studies:"))
    for section, entries in {**own, "classifiers": {"forest": given("forest")}}.items():
        config[section] |= entries
    cells = plan.cells(settings.validate(config))
    assert {c.method for c in cells if c.classifier == "forest"} == {"growing_spheres", "face", "ebr"}
    assert {"wachter", "cruds"} <= {c.method for c in cells if c.population == "synthetic"}
