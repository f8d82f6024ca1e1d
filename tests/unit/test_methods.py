"""Every method, and the one of docs/adding_a_method.md, on every kind of population, classifier and device.

On the simulated device (see `elsewhere`) the numbers must be those of the CPU to the bit, because draws are made on the
CPU and moved. On CUDA, rounding differs, so the post-conditions are checked instead.
"""

import copy
import inspect
import re
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from common import CONFIG, ROOT, options

from elsewhere import DEVICE, elsewhere
from recourse_segregation import classifiers, contracts, data, declarations, devices, methods, recourse, settings
from recourse_segregation import options as types
from recourse_segregation.errors import ConfigError, DataError
from recourse_segregation.methods._shells import nearest_in_shells
from recourse_segregation.population import prepare
from recourse_segregation.seeds import torch_generator
from workflow_tools import shown

#: what makes the methods fast on a few hundred people
FAST = {
    "cchvae": {"epochs": 15, "samples": 50},
    "cruds": {"epochs": 15, "steps": 200},
    "ibr": {"epochs": 10, "samples": 50},
    "ebr": {"epochs": 60, "components": 10, "proposals": 2000, "keep": 50, "density_quantile": 0.3},
    "growing_spheres": {"samples": 200},
}


def fitted(method, people, classifier, seed=0, **changes):
    """A fast method, with these changes to its options, fitted to people."""
    chosen = options(method, **FAST.get(method, {}) | changes)
    return methods.load(method)(**chosen).fit(people, classifier, torch_generator(seed, "test", method))


def rejected(people, classifier):
    """The training individuals whom the classifier rejects, on its device: [n, d]"""
    x = classifiers.tensor(people.training_part().features, classifier.device)
    return x[~classifier.accepts(x)]


def keeps_the_post_conditions(fit, people, classifier):
    """Hold a method to what every method promises; what `recourse.check` says of the recourse that it finds.

    It changes no input, finds the same twice, moves whom it finds something for, and answers when nobody is rejected.
    """
    x = rejected(people, classifier)
    before = x.clone()
    found, again = (fit().counterfactuals(x) for _ in range(2))
    assert torch.equal(x, before), "a method must not change its input"
    torch.testing.assert_close(found, again, rtol=0, atol=0, equal_nan=True)
    assert fit().counterfactuals(x[:0]).shape == x[:0].shape
    reason = recourse.check(x, found, people.encoding, classifier)
    # Whatever a method returns is right; only "nothing found" may be the reason for no recourse.
    assert set(reason) <= {"", "nothing found"}
    assert (found - x)[torch.tensor(reason == "")].abs().sum(1).gt(0).all()
    return reason


@pytest.fixture
def cell(request, people, trained):
    """Population and classifier, `levels` and `mlp` or what a test asks for as (kind, name)."""
    kind, name = getattr(request, "param", ("levels", "mlp"))
    return people[kind], trained[kind, name]


@pytest.fixture(scope="module")
def synthetic():
    """The synthetic population of seed 0 and its linear classifier."""
    people = prepare("synthetic", data.load("synthetic"), "sex", 0, 10_000, 0.25)
    chosen = CONFIG["classifiers"]["linear"]["options"] | CONFIG["classifiers"]["linear"]["populations"]["synthetic"]
    return people, classifiers.train(people, torch_generator(0, "train", "linear"), **chosen)


def on(*cells):
    """Run a test on these cells (kind of population, classifier)."""
    return pytest.mark.parametrize("cell", cells, indirect=True, ids="-".join)


everywhere = on(*((kind, name) for kind in ("levels", "continuous") for name in ("linear", "mlp")))
continuous = on(("continuous", "mlp"))
every_kind = on(("levels", "mlp"), ("continuous", "mlp"))


def found_by(method, cell, **changes):
    """How a method moves the rejected: [n, d], NaN where it found nothing."""
    x = rejected(*cell)
    return fitted(method, *cell, **changes).counterfactuals(x) - x


@everywhere
@pytest.mark.parametrize("method", methods.names())
def test_post_conditions_and_repeatability(method, cell):
    reason = keeps_the_post_conditions(lambda: fitted(method, *cell), *cell)
    assert (reason == "").mean() == 0 if method == "nobody" else (reason == "").mean() > 0.8


@everywhere
def test_the_example_of_the_page_meets_the_post_conditions(cell, write):
    (source,), (given,) = (shown("adding_a_method.md", language) for language in ("python", "yaml"))
    write("methods/mine.py", source)
    config = yaml.safe_load(given)
    assert "mine" in config["run"]["methods"]
    mine = partial(methods.load("mine"), **config["methods"]["mine"]["options"])
    reason = keeps_the_post_conditions(lambda: mine().fit(*cell, torch_generator(0, "test")), *cell)
    assert (reason == "").mean() > 0.8


def test_the_pages_list_what_they_should():
    page, other = (
        (ROOT / "docs" / f"adding_a_{what}.md").read_text(encoding="utf-8") for what in ("method", "classifier")
    )
    kinds = {name for name, value in vars(types).items() if hasattr(value, "__metadata__")}
    for text in (page, other):
        (listed,) = re.findall(r"a type of `options\.py` \((.*?)\)", text)
        assert set(re.findall(r"`(\w+)`", listed)) == kinds
    (table,) = re.findall(r"^\| reason \|.*\n\| --- .*\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert tuple(re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)) == contracts.REASONS
    given = {name for name in methods.Method.__annotations__ if not name.startswith("needs")}
    assert given <= set(re.findall(r"`self\.(\w+)", page)), "all that a method gets"


class Neighbour(methods.Method):
    """Goes to the nearest of those who stay, and reports how segregation is measured."""

    needs_measures = True

    def prepare(self, population, x):
        self.stay = classifiers.tensor(self.people.features[~self.rejected])
        self.diagnostics["neighbourhoods"] = self.measure["neighbourhoods"]

    def search(self, x):
        assert self.classifier.accepts(self.stay).all()
        own = classifiers.tensor(self.people.features[self.rejected])
        assert torch.equal(x, own), "row i is the i-th who is rejected"
        return self.combine(x, self.stay[torch.cdist(x, self.stay).argmin(1)][:, self.mutable])


def test_a_method_sees_who_else_is_there_and_how_it_is_measured(cell, monkeypatch):
    monkeypatch.setattr(methods, "load", lambda file: Neighbour)
    given = [cell[0]], [cell[1]], "mlp", "mine", "mine", {}
    table, diagnostics = recourse.generate(*given, measure={"neighbourhoods": 30, "atkinson_b": 0.5})
    assert len(table) == len(rejected(*cell))
    assert set(table["reason"]) <= {"", "not accepted"}
    assert diagnostics.set_index("quantity")["value"]["neighbourhoods"] == 30
    monkeypatch.setattr(Neighbour, "needs_measures", False)
    with pytest.raises(KeyError, match="neighbourhoods"):
        recourse.generate(*given, measure={"neighbourhoods": 30})


#: options that take another way through the code
OTHERWISE = [
    ("growing_spheres", {"shrink": True, "sparse": True}),
    ("wachter", {"compatible": True}),
    ("cruds", {"start_from_prior": False}),
    *(("ibr", change) for change in ({"cross_entropy": True}, {"sensitive_in_decoder": True}, {"adversary_weight": 0})),
    *(("ebr", {name: True}) for name in ("private_hands", "shared_pool", "resampling", "released_sampler")),
    ("ebr", {"other_group": False}),
]
every_way = pytest.mark.parametrize(
    ("method", "changes"), [*((m, {}) for m in methods.names()), *OTHERWISE, ("face", {"bridges": False})]
)
cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")


def offered(method, changes, people, classifier, device):
    """The recourse of everyone who is rejected, and what there is to report but seconds: tables of `generate`."""
    there = classifiers.from_state(classifier.state(), device)
    chosen = options(method, **FAST.get(method, {}) | changes)
    table, diagnostics = recourse.generate([people], [there], "mlp", method, method, chosen)
    return table, diagnostics[~diagnostics["quantity"].str.endswith("seconds")]


@pytest.mark.parametrize("there", [True, False])
def test_auto_is_cuda_where_torch_sees_it_and_else_the_cpu(there, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert devices.resolve("auto").type == ("cuda" if there else "cpu")
    assert devices.resolve("cpu").type == "cpu"
    with nullcontext() if there else pytest.raises(ConfigError, match=r"run\.device.*use auto or cpu"):
        assert devices.resolve("cuda").type == "cuda"


class Forgetful(methods.Method):
    """Draws on the CPU and leaves it there."""

    def search(self, x):
        return x + torch.rand(x.shape, generator=self.generator)


def test_the_simulated_device_notices_what_a_gpu_would(people, trained):
    near = people["continuous"], trained["continuous", "linear"]
    assert len(Forgetful().fit(*near, torch_generator(0)).counterfactuals(rejected(*near)))
    with elsewhere():
        here, there = torch.ones(3), torch.ones(3, device=DEVICE)
        far = near[0], classifiers.from_state(near[1].state(), DEVICE)
        for wrong, says in (
            (lambda: here + there, "one device"),
            (lambda: torch.where(there > 0, here, there), "one device"),
            (lambda: here[torch.tensor([0], device=DEVICE)], "one device"),
            (lambda: Forgetful().fit(*far, torch_generator(0)).counterfactuals(rejected(*far)), "one device"),
            (lambda: torch.rand(3, generator=torch_generator(0), device=DEVICE), "generator"),
            (there.numpy, "numpy"),
        ):
            with pytest.raises(RuntimeError, match=says):
                wrong()
        assert (there + 1).device == there[[0, 2]].device == there.new_tensor([1.0]).device == DEVICE
        assert (there + here.to(there)).cpu().tolist() == [2, 2, 2]


@every_way
def test_every_method_follows_the_device_of_its_classifier(method, changes, people, trained):
    near = offered(method, changes, people["levels"], trained["levels", "mlp"], "cpu")
    with elsewhere():
        far = offered(method, changes, people["levels"], trained["levels", "mlp"], DEVICE)
    for there, here in zip(far, near, strict=True):
        pd.testing.assert_frame_equal(there, here, check_exact=True)


@cuda
@every_way
def test_every_method_keeps_its_post_conditions_on_cuda(method, changes, people, trained):
    cell = people["levels"], trained["levels", "mlp"]
    near, far, again = (offered(method, changes, *cell, device)[0] for device in ("cpu", "cuda", "cuda"))
    pd.testing.assert_frame_equal(far, again, rtol=0, atol=1e-4)
    if method != "wachter" or not changes:  # CARLA's iterates break them on the CPU too
        assert set(far["reason"]) <= {"", "nothing found"}
        assert abs(far["found"].mean() - near["found"].mean()) < 0.1


@pytest.mark.parametrize("method", methods.names())
def test_a_method_is_what_its_file_says_and_every_option_stands_in_the_configuration(method):
    """The signature is the schema, and there is no second set of defaults."""
    found, schema = methods.load(method), declarations.method_options(method)
    parameters = inspect.signature(found).parameters
    assert schema["required"] == list(schema["properties"]) == list(options(method)) == list(parameters)
    assert all(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters.values())
    source = Path(methods.__file__).with_name(f"{method}.py").read_text(encoding="utf-8")
    assert declarations.needs_gradients(method) == found.needs_gradients == ("margin_and_gradient" in source)
    assert declarations.needs_measures(method) == found.needs_measures == ("self.measure" in source)


def test_an_option_may_be_a_text(write):
    write("methods/mine.py", "class M:\n    needs_measures = True\n    def __init__(self, *, objective: Text): ...\n")
    assert declarations.needs_measures("mine")
    assert not declarations.needs_gradients("mine")
    config = copy.deepcopy(CONFIG)
    config["methods"]["mine"] = {"label": "Mine", "options": {"objective": "atkinson"}}
    assert settings.validate(config)
    config["methods"]["mine"]["options"]["objective"] = 0.5
    with pytest.raises(ConfigError, match=r"methods\.mine\.options\.objective: 0.5 is not allowed; expected a text"):
        settings.validate(config)


@continuous
@pytest.mark.parametrize(
    ("method", "others", "option", "cheap", "dear"),
    [
        # No accepted point nearer than the shell in which the nearest was found, up to the sampling.
        ("growing_spheres", {"samples": 1000}, "step", 0.02, 0.2),
        ("growing_spheres", {}, "shrink", True, False),
        *(("ebr", {"other_group": other}, "density_quantile", 0.0, 0.9) for other in (True, False)),
    ],
)
def test_options_that_make_recourse_cheaper(method, others, option, cheap, dear, cell):
    costs = [found_by(method, cell, **others, **{option: value}).norm(dim=1).nanmean() for value in (cheap, dear)]
    assert costs[0] < costs[1]


@every_kind
@pytest.mark.parametrize("option", ["shrink", "sparse"])
def test_growing_spheres_phases_keep_what_is_found(option, cell):
    x = rejected(*cell)
    found = fitted("growing_spheres", *cell, **{option: True}).counterfactuals(x)
    assert set(recourse.check(x, found, cell[0].encoding, cell[1])) == {""}
    if option == "sparse":
        assert (found != x).sum() < (found_by("growing_spheres", cell) != 0).sum()


@every_kind
@pytest.mark.parametrize(
    ("method", "changes"), [*OTHERWISE, *((m, {"seed": 1}) for m in ("cchvae", "cruds", "ibr", "growing_spheres"))]
)
def test_options_really_switch_and_another_seed_gives_another_result(method, changes, cell):
    assert not torch.equal(found_by(method, cell), found_by(method, cell, **changes))


def test_wachter_accepts_where_a_saturated_softmax_has_no_gradient(synthetic):
    """On the synthetic population probabilities are exactly 0 or 1 in float32; the search works on logits."""
    x = rejected(*synthetic)
    assert (torch.sigmoid(synthetic[1].margin(x)) < 1e-6).any()
    found = fitted("wachter", *synthetic, steps=200, rounds=1).counterfactuals(x)
    assert synthetic[1].accepts(found).all()


def test_face_bridges_separate_clusters(synthetic):
    """Two clusters per group, rejected and accepted, that no neighbour graph connects (the synthetic population)."""
    assert torch.isfinite(found_by("face", synthetic)).all()
    assert torch.isnan(found_by("face", synthetic, bridges=False)).all()


@pytest.mark.parametrize("method", ["face", "swap_in"])
def test_recourse_is_the_place_of_an_accepted_person(method, cell):
    """Of the same profile of immutables (FACE), or of the other group (the swap)."""
    x, everyone = rejected(*cell), classifiers.tensor(cell[0].features)
    accepted, mutable = everyone[cell[1].accepts(everyone)], torch.tensor(cell[0].encoding.mutable)
    sex = cell[0].encoding.sensitive_index
    found = fitted(method, *cell).counterfactuals(x)
    ok = torch.isfinite(found).all(1)
    for factual, counterfactual in zip(x[ok], found[ok], strict=True):
        there = accepted[((accepted - counterfactual)[:, mutable].abs() < 1e-6).all(1)]
        same = (there == factual)[:, ~mutable].all(1) if method == "face" else there[:, sex] != factual[sex]
        assert same.any()
    assert len(torch.unique(found[ok][:, mutable], dim=0)) > 10


def test_face_leaves_a_profile_without_accepted_people_unresolved(people, trained):
    class NoWomen(classifiers.BuiltIn):
        def margin(self, x):
            return torch.where(x[:, 3] == 1, -1.0, super().margin(x))

    inner = trained["levels", "linear"]
    cell = people["levels"], NoWomen(inner.network, inner.parameters)
    women = rejected(*cell)[:, 3] == 1
    assert torch.equal(torch.isnan(found_by("face", cell)).all(1), women)


def searched(method, x):
    """What EBR's method has to report once it has searched for x."""
    method.counterfactuals(x)
    return method.diagnostics


def test_ebr_discards_no_sample_for_its_levels(cell):
    """One-hot columns of a sample are hardly ever in [0, 1] all at once: they are projected, not discarded."""
    assert searched(fitted("ebr", *cell, bound=1e-9), rejected(*cell))["in_box"] > 0.3


@continuous
def test_ebr_lets_everybody_choose_among_all_samples_of_their_profile(cell):
    """`keep` a rejected person of train and test, which is more than one person's own, and the same for all of them."""
    everyone, x = classifiers.tensor(cell[0].features), rejected(*cell)
    asked = everyone[~cell[1].accepts(everyone)]
    chosen = {"bound": 1e-9, "density_quantile": 0.0, "proposals": 100_000, "keep": 20}
    pool, hands, shared = (
        fitted("ebr", *cell, **chosen, **changes) for changes in ({}, {"private_hands": True}, {"shared_pool": True})
    )
    for profile in pool.profiles(x)[0]:
        people = x[(x[:, ~pool.mutable] == profile).all(1)]
        many = 20 * int((asked[:, ~pool.mutable] == profile).all(1).sum())
        report = searched(pool, people)
        assert report["pool"] == pytest.approx(report["in_box"] * many), "all but those outside the box"
        assert searched(hands, people)["pool"] <= searched(shared, people[:1])["pool"] * 1.5 <= 30
        alone, together = pool.counterfactuals(people[-1:]), pool.counterfactuals(people)
        assert torch.equal(alone[0], together[-1]), "the pool does not depend on who else asks"
        assert (cost_of(people, together) <= cost_of(people, hands.counterfactuals(people)) + 1e-6).all()
        assert len(hands._pool(profile)[0]) == many


def cost_of(x, found):
    """L2 distance from x, infinite where nothing was found: [n]"""
    return (found - x).norm(dim=1).nan_to_num(torch.inf)


@continuous
def test_ebr_s_pool_is_bounded_by_the_proposals(cell):
    report = searched(fitted("ebr", *cell, bound=1e-9, density_quantile=0.0, proposals=500), rejected(*cell))
    assert report["pool"] == pytest.approx(report["in_box"] * 500, rel=0.1)


@continuous
@pytest.mark.parametrize(("bound", "least"), [(20.0, 0), (0.1, 1e-9), (1e-9, 0.99)])
def test_ebr_counts_what_saturates(bound, least, cell):
    both, own = (fitted("ebr", *cell, bound=bound, other_group=other) for other in (True, False))
    for method in (both, own):
        method.counterfactuals(rejected(*cell))
    assert least <= both.diagnostics["saturated"] <= 1
    assert "saturated" not in own.diagnostics, "without the other group nothing is judged by the bound"


@pytest.mark.parametrize("sees", [False, True])
def test_ibr_decoder_sees_the_sensitive_attribute_only_if_it_should(sees, cell):
    condition, encoding = fitted("ibr", *cell, sensitive_in_decoder=sees).condition, cell[0].encoding
    assert bool(condition[encoding.sensitive_index]) == sees
    assert condition.sum() == (~encoding.mutable).sum() - (not sees)


@every_kind
def test_collapse_sends_everybody_to_one_point(cell):
    found = fitted("collapse", *cell).counterfactuals(rejected(*cell))
    mutable = torch.tensor(cell[0].encoding.mutable)
    assert (found[:, mutable] == found[0, mutable]).all()


@pytest.mark.parametrize(("method", "model"), [("cchvae", "VAE"), ("ibr", "VAE"), ("cruds", "CSVAE"), ("ebr", "MDN")])
def test_a_density_model_that_diverges_says_so(method, model, cell):
    with pytest.raises(DataError, match=f"the training of the {model} diverged.*learning_rate"):
        fitted(method, *cell, learning_rate=1e12)


def test_unknown_method_names_those_that_exist():
    with pytest.raises(ConfigError, match="wachter"):
        methods.load("watcher")


@on(("levels", "linear"))
def test_check_counts_each_reason(cell):
    """One broken row for each reason, one good row."""
    encoding, x = cell[0].encoding, rejected(*cell)
    factual, rows = x[:1].expand(7, -1), fitted("wachter", *cell).counterfactuals(x[:1]).repeat(7, 1)
    job = encoding.columns.index("job=none")
    rows[0] = torch.nan
    rows[1, 0] = torch.inf
    rows[2, encoding.sensitive_index] = 1 - rows[2, encoding.sensitive_index]
    rows[3, 0] = 1.5
    rows[4, job : job + 4] = 1.0
    rows[5] = x[0]
    assert list(recourse.check(factual, rows, encoding, cell[1])) == [*contracts.REASONS, ""]
    with pytest.raises(ValueError, match="one row per individual"):
        recourse.check(factual, rows[:-1], encoding, cell[1])


def test_the_checks_catch_what_carla_s_search_breaks(cell):
    """CARLA's iterates leave the box; putting binary immutables back undoes nothing, because they never moved."""
    x = rejected(*cell)
    found = fitted("wachter", *cell, compatible=True).counterfactuals(x)
    assert set(recourse.check(x, found, cell[0].encoding, cell[1])) == {"", "outside [0, 1]"}


def test_changed_counts_the_found_by_kind_of_feature(people, cell):
    encoding, found = cell[0].encoding, np.array([True] * 4 + [False])
    x = rejected(*cell)[:1].repeat(5, 1)
    (income,), (owner,), job = (encoding.indices(kind)[0] for kind in ("continuous", "binary", "categorical"))
    x[:, job] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    moved = x.clone()
    moved[0, income] = 1 - x[0, income]
    moved[1, owner] = 1 - x[1, owner]
    moved[2, job] = torch.tensor([0.0, 1.0, 0.0, 0.0])
    moved[4] = torch.nan  # not found, so it counts for nothing; row 3 did not move
    assert recourse.changed(x, moved, found, encoding) == {"changed_continuous": 1 / 4, "changed_categorical": 2 / 4}
    assert recourse.changed(x, moved, ~found & False, encoding) == {}, "a share of nobody is not defined"
    encoding = people["continuous"].encoding
    y = torch.zeros(2, len(encoding.columns))
    assert recourse.changed(y, y, found[:2], encoding) == {"changed_continuous": 0.0}, "it has no levels to change"


@pytest.mark.parametrize(
    ("weights", "column"),
    [
        pytest.param({"owner": 4.0}, "owner", id="binary"),
        pytest.param({"job": -4.0, "job=manager": 4.0}, "job=manager", id="one-hot"),
        # Both levels are pushed up; they must not both stop at 1, where the first of equals would win for good.
        pytest.param({"job": 0.5, "job=manager": 4.0}, "job=manager", id="tie"),
    ],
)
def test_wachter_changes_a_level_where_only_a_level_can_help(weights, column, people):
    """The gradient passes straight through the projection to valid levels; nothing but the level is worth changing."""
    encoding = people["levels"].encoding
    weight = torch.zeros(2, len(encoding.columns))
    for name, value in weights.items():
        weight[1, [c == name or c.startswith(f"{name}=") for c in encoding.columns]] = value
    classifier = classifiers.from_state({"layers": [(weight, torch.tensor([2.0, 0.0]))]})
    chosen = options("wachter", steps=200, rounds=1)
    offered, diagnostics = recourse.generate([people["levels"]], [classifier], "one", "wachter", "wachter", chosen)
    quantity = diagnostics.set_index("quantity")["value"]
    assert offered["found"].all()
    assert (offered[column] == 1).all()
    assert (quantity["changed_categorical"], quantity["changed_continuous"]) == (1, 0)


def test_a_single_seed_does_not_depend_on_its_company():
    """Each (seed, stage, method) has its own stream, whoever is computed beside it."""
    streams = (3, "ibr"), (2, "ibr"), (3, "ibr"), (3, "cchvae")
    alone, _, again, other = (torch.randn(3, generator=torch_generator(s, "recourse", m)) for s, m in streams)
    assert torch.equal(alone, again)
    assert not torch.equal(alone, other)


@pytest.mark.parametrize("people_at_once", [1, 200])
def test_the_first_shell_with_an_accepted_candidate_wins(people_at_once):
    """Accepted from 0.37 on: shells of 0.1 must stop in [0.3, 0.4), however many are tried at once."""
    x = torch.zeros(people_at_once, 2)
    draw = 0.1, 50, 100, torch_generator(0)
    radius = nearest_in_shells(x, x, lambda _, points: (points, points.norm(dim=2) >= 0.37), *draw).norm(dim=1)
    assert ((radius >= 0.37) & (radius < 0.4)).all()


def test_of_the_accepted_of_a_shell_the_nearest_is_taken():
    """Shells around a centre that is not the individual: nobody of those shown is nearer, and misses stay empty."""
    x, shown = torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]]), {}

    def candidates(rows, points):
        accepted = (points[..., 0] > 0.5) & (points[..., 0] < 2)
        for row, own, wanted in zip(rows.tolist(), points, accepted, strict=True):
            if wanted.any():
                shown.setdefault(row, own[wanted])
        return points, accepted

    found = nearest_in_shells(x, x + 0.3, candidates, 1.0, 64, 2, torch_generator(0))
    assert torch.isnan(found[2]).all()
    assert shown.keys() == {0, 1}
    for row, seen in shown.items():
        assert torch.equal(found[row], seen[(seen - x[row]).norm(dim=1).argmin()])


def mapped(margin):
    """A search of the synthetic features themselves in shells of 0.01, where `margin` of men and of women decides."""
    method = methods.load("cchvae")(**options("cchvae", shells=100))
    method.encoding = prepare("synthetic", data.load("synthetic"), "sex", 0, 800, 0.25).encoding
    method.mutable = torch.tensor(method.encoding.mutable)
    method.condition, method.generator = ~method.mutable, torch_generator(0)
    method.vae = SimpleNamespace(encode=lambda own: own, decode_around=lambda points, _: points)
    method.classifier = classifiers.BuiltIn.__new__(classifiers.BuiltIn)
    method.classifier.log_odds = lambda x: margin(x[:, method.mutable][:, 0], x[:, ~method.mutable][:, 0])
    return method


#: name -> margin(x1, sex), and whether it is positive for a man, and for a woman, where x1 is at least 0.6
REGIONS = {
    "half of the plane": (lambda x1, sex: x1 - 0.6, (True, True)),
    "a strip before a jump, narrower than a cell": (lambda x1, sex: torch.where(x1 < 0.63, x1 - 0.6, -1), (True, True)),
    "men only": (lambda x1, sex: torch.where(sex == 0, x1 - 0.6, -1), (True, False)),
    "nowhere": (lambda x1, sex: x1 - 2, (False, False)),
}


@pytest.mark.parametrize("region", REGIONS)
def test_the_map_leaves_out_no_shell_that_holds_somebody_accepted(region):
    """Who can find something starts just before it, and finds it; the others are not searched for."""
    margin, somewhere = REGIONS[region]
    method = mapped(margin)
    mutable = method.mutable
    x = torch.rand(200, 3, generator=torch_generator(1))
    x[:, mutable] *= torch.tensor([0.6, 1.0])
    x[:, ~mutable] = (torch.arange(200) % 2 == 0).float()[:, None]
    away, first = 0.6 - x[:, mutable][:, 0], method.first_shells(x, x[:, mutable])
    there = torch.tensor(somewhere)[x[:, ~mutable][:, 0].long()]
    assert (first[~there] == method.shells).all()
    assert (first[there] * method.width <= away[there]).all()
    assert (first[there] * method.width > 0.5 * away[there] - 0.05).all()
    found = torch.isfinite(method.search(x)).all(1)
    assert torch.equal(found, there)


@every_kind
def test_a_search_with_the_map_finds_the_same_people(cell):
    """A plain search of what each person's map leaves out finds nothing, in a trained model too."""
    method, x = fitted("cchvae", *cell), rejected(*cell)
    first = method.first_shells(x, method.vae.encode(x[:, method.mutable]))
    assert (first > 0).any()
    found = method.counterfactuals(x)
    method.map_thinning = 0
    torch.testing.assert_close(found.isnan(), method.counterfactuals(x).isnan())
    for person, method.shells in zip(x[first > 0].split(1), first[first > 0].tolist(), strict=True):
        assert method.counterfactuals(person).isnan().all()


@continuous
def test_more_than_two_latent_dimensions_have_no_map(cell):
    with_map, without = (found_by("ibr", cell, latent=3, map_thinning=thinning) for thinning in (4, 0))
    torch.testing.assert_close(with_map, without, rtol=0, atol=0, equal_nan=True)
