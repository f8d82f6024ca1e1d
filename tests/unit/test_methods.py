"""Every method on every kind of population and classifier: post-conditions, repeatability, batching."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conftest import population
from recourse_segregation import classifiers, contracts, methods, recourse
from recourse_segregation.errors import ConfigError, DataError
from recourse_segregation.methods._shells import nearest_in_shells
from recourse_segregation.seeds import torch_generator

FAST = {
    "cchvae": {"epochs": 15, "samples": 50},
    "cruds": {"epochs": 15, "steps": 200},
    "ibr": {"epochs": 10, "samples": 50},
    "ebr": {"epochs": 60, "components": 10, "proposals": 2000, "keep": 300, "density_quantile": 0.3},
    "growing_spheres": {"samples": 200},
}
#: what draws nothing for anybody after `fit`, with its options: one by one must equal all at once
DETERMINISTIC = {"nobody": {}, "wachter": {}, "face": {}, "ebr": {"shared_pool": True}}
CELLS = [
    (method, kind, classifier)
    for method in methods.names()
    for kind in ("levels", "continuous")
    for classifier in ("linear", "mlp")
]


def fitted(method, people, classifier, seed=0, **options):
    cls = methods.load(method)
    return cls(**{**FAST.get(method, {}), **options}).fit(people, classifier, torch_generator(seed, "test", method))


def rejected(people, classifier):
    x = classifiers.tensor(people.training_part().features)
    return x[~classifier.accepts(x)]


@pytest.mark.parametrize(("method", "kind", "classifier"), CELLS)
def test_post_conditions_and_repeatability(method, kind, classifier, people, trained):
    cell = people[kind], trained[kind, classifier]
    x = rejected(*cell)
    before = x.clone()
    found = fitted(method, *cell).counterfactuals(x)
    again = fitted(method, *cell).counterfactuals(x)
    assert torch.equal(x, before), "a method must not change its input"
    torch.testing.assert_close(found, again, rtol=0, atol=0, equal_nan=True)
    reason = recourse.check(x, found, cell[0].encoding, cell[1])
    # Whatever a method returns is right; only "nothing found" may be the reason for no recourse.
    assert set(reason) <= {"", "nothing found"}
    if method == "nobody":
        assert set(reason) == {"nothing found"}
    else:
        assert (reason == "").mean() > 0.8
        moved = (found - x)[torch.tensor(reason == "")]
        assert moved.abs().sum(1).gt(0).all()


@pytest.mark.parametrize("method", DETERMINISTIC)
@pytest.mark.parametrize("kind", ["levels", "continuous"])
def test_batch_equals_one_by_one(method, kind, people, trained):
    cell = people[kind], trained[kind, "mlp"]
    x = rejected(*cell)[:12]
    method = fitted(method, *cell, **DETERMINISTIC[method])
    together = method.counterfactuals(x)
    alone = torch.cat([method.counterfactuals(row.unsqueeze(0)) for row in x])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("method", methods.names())
def test_nobody_rejected_is_an_empty_answer(method, people, trained):
    cell = people["levels"], trained["levels", "linear"]
    empty = rejected(*cell)[:0]
    assert fitted(method, *cell).counterfactuals(empty).shape == empty.shape


@pytest.mark.parametrize("method", ["cchvae", "cruds", "ibr", "growing_spheres"])
def test_another_seed_gives_another_result(method, people, trained):
    cell = people["levels"], trained["levels", "linear"]
    x = rejected(*cell)
    assert not torch.equal(fitted(method, *cell).counterfactuals(x), fitted(method, *cell, seed=1).counterfactuals(x))


def test_shells_are_searched_from_the_inside(people, trained):
    """No accepted point nearer than the shell in which the nearest was found, up to the sampling."""
    cell = people["continuous"], trained["continuous", "linear"]
    x = rejected(*cell)
    coarse = fitted("growing_spheres", *cell, samples=1000).counterfactuals(x)
    fine = fitted("growing_spheres", *cell, samples=1000, step=0.02).counterfactuals(x)
    assert (fine - x).norm(dim=1).mean() < (coarse - x).norm(dim=1).mean()


@pytest.mark.parametrize(
    ("option", "kind", "size"),
    [
        ("shrink", "continuous", lambda move: move.norm(dim=1).mean()),
        ("sparse", "levels", lambda move: (move != 0).sum()),
    ],
)
def test_growing_spheres_options_shorten_and_sparsify(option, kind, size, people, trained):
    cell = people[kind], trained[kind, "mlp"]
    x = rejected(*cell)
    plain = fitted("growing_spheres", *cell).counterfactuals(x)
    found = fitted("growing_spheres", *cell, **{option: True}).counterfactuals(x)
    assert set(recourse.check(x, found, cell[0].encoding, cell[1])) == {""}
    assert size(found - x) < size(plain - x)


def test_wachter_accepts_where_a_saturated_softmax_has_no_gradient():
    """On the synthetic population probabilities are exactly 0 or 1 in float32; the search works on logits."""
    from recourse_segregation.data import load
    from recourse_segregation.population import prepare

    people = prepare("synthetic", load("synthetic"), "sex", 0, 10_000)
    classifier = classifiers.train(people, torch_generator(0, "train", "linear"), (), 0.1, 200, 32)
    x = rejected(people, classifier)
    assert (torch.sigmoid(classifier.margin(x)) < 1e-6).any()
    found = methods.load("wachter")(steps=200, rounds=1).fit(people, classifier, torch_generator(0)).counterfactuals(x)
    assert classifier.accepts(found).all()


def test_face_ends_at_an_observed_accepted_person_of_the_same_profile(people, trained):
    cell = people["levels"], trained["levels", "mlp"]
    x = rejected(*cell)
    found = fitted("face", *cell).counterfactuals(x)
    everyone = classifiers.tensor(cell[0].features)
    accepted = everyone[cell[1].accepts(everyone)]
    ok = torch.isfinite(found).all(1)
    distance = (found[ok].unsqueeze(1) - accepted.unsqueeze(0)).abs().amax(2)
    assert (distance.amin(1) < 1e-6).all()


def test_face_leaves_a_profile_without_accepted_people_unresolved(people, trained):
    class NoWomen(classifiers.Classifier):
        def margin(self, x):
            return torch.where(x[:, 3] == 1, -1.0, super().margin(x))

    inner = trained["levels", "linear"]
    classifier = NoWomen(inner.network, inner.parameters)
    x = rejected(people["levels"], classifier)
    found = fitted("face", people["levels"], classifier).counterfactuals(x)
    assert torch.isnan(found[x[:, 3] == 1]).all()
    assert torch.isfinite(found[x[:, 3] == 0]).all()


def test_ebr_density_quantile_trades_cost_for_density(people, trained):
    cell = people["continuous"], trained["continuous", "mlp"]
    x = rejected(*cell)
    costs = []
    for quantile in (0.0, 0.9):
        found = fitted("ebr", *cell, density_quantile=quantile).counterfactuals(x)
        costs.append((found - x).norm(dim=1).nanmean())
    assert costs[0] < costs[1]


def test_ebr_options_really_switch(people, trained):
    cell = people["continuous"], trained["continuous", "mlp"]
    x = rejected(*cell)
    base = fitted("ebr", *cell)
    plain = base.counterfactuals(x)
    assert 0 <= base.diagnostics["saturated"] <= 1
    for option in ("resampling", "released_sampler", "shared_pool"):
        assert not torch.equal(plain, fitted("ebr", *cell, **{option: True}).counterfactuals(x))


def test_ebr_discards_no_sample_for_its_levels(people, trained):
    """One-hot columns of a sample are hardly ever in [0, 1] all at once: they are projected, not discarded."""
    cell = people["levels"], trained["levels", "mlp"]
    method = fitted("ebr", *cell, density_quantile=0.0, bound=1e-9)
    for profile in method.profiles(rejected(*cell))[0]:
        _, log_product, _ = method._deal(profile, 1)
        assert torch.isfinite(log_product).sum() > 0.3 * FAST["ebr"]["keep"]


def test_ebr_deals_everybody_samples_of_their_own(people, trained):
    """Disjoint until all that were accepted are dealt; one hand for all where they share a pool."""
    cell = people["continuous"], trained["continuous", "mlp"]
    method = fitted("ebr", *cell, proposals=1000, keep=300, bound=1e-9)
    profile = method.profiles(rejected(*cell))[0][0]
    samples, _, hands = method._deal(profile, 7)
    assert (len(samples), hands.shape) == (1000, (7, 300)), "everything is accepted"
    assert all(len(hand.unique()) == 300 for hand in hands)
    assert len(hands[:3].unique()) == len(hands[3:6].unique()) == 900, "a round deals three hands"
    assert not torch.equal(hands[0], hands[3]), "then the cards are shuffled"
    alone, _, hand = method._deal(profile, 1)
    assert torch.equal(alone[hand[0]], samples[hands[0]]), "the first hand does not depend on who else asks"
    shared = fitted("ebr", *cell, proposals=1000, keep=300, bound=1e-9, shared_pool=True)
    _, _, hands = shared._deal(profile, 7)
    assert (hands == hands[0]).all()


def test_ebr_low_bound_saturates(people, trained):
    cell = people["continuous"], trained["continuous", "mlp"]
    method = fitted("ebr", *cell, bound=1e-9)
    method.counterfactuals(rejected(*cell))
    assert method.diagnostics["saturated"] > 0.99


def test_ibr_decoder_does_not_see_the_sensitive_attribute(people, trained):
    method = fitted("ibr", people["levels"], trained["levels", "linear"])
    encoding = people["levels"].encoding
    assert not method.condition[encoding.sensitive_index]
    assert method.condition.sum() == (~encoding.mutable).sum() - 1


def test_ebr_without_the_other_group_takes_its_own_density_alone(people, trained):
    """The pools of both groups then differ as their densities do, and nothing is judged by the bound."""
    cell = people["continuous"], trained["continuous", "mlp"]
    x = rejected(*cell)
    both, own = fitted("ebr", *cell, bound=0.1), fitted("ebr", *cell, bound=0.1, other_group=False)
    assert not torch.equal(both.counterfactuals(x), own.counterfactuals(x))
    assert both.diagnostics["saturated"] > 0
    assert "saturated" not in own.diagnostics
    costs = [
        (fitted("ebr", *cell, other_group=False, density_quantile=q).counterfactuals(x) - x).norm(dim=1).mean()
        for q in (0.0, 0.9)
    ]
    assert costs[0] < costs[1], "without the quantile the nearest sample is nearer"


@pytest.mark.parametrize("option", [{"cross_entropy": True}, {"sensitive_in_decoder": True}, {"adversary_weight": 0.0}])
def test_ibr_ablations_really_switch(option, people, trained):
    cell = people["levels"], trained["levels", "mlp"]
    x = rejected(*cell)
    plain, ablated = fitted("ibr", *cell), fitted("ibr", *cell, **option)
    assert not torch.equal(plain.counterfactuals(x), ablated.counterfactuals(x))
    sees = ablated.condition[people["levels"].encoding.sensitive_index]
    assert bool(sees) == option.get("sensitive_in_decoder", False)


@pytest.mark.parametrize("kind", ["levels", "continuous"])
def test_collapse_sends_everybody_to_one_point(kind, people, trained):
    cell = people[kind], trained[kind, "mlp"]
    found = fitted("collapse", *cell).counterfactuals(rejected(*cell))
    mutable = torch.tensor(cell[0].encoding.mutable)
    assert (found[:, mutable] == found[0, mutable]).all()


def test_swap_in_takes_places_of_the_other_group(people, trained):
    cell = people["levels"], trained["levels", "mlp"]
    encoding, x = cell[0].encoding, rejected(*cell)
    found = fitted("swap_in", *cell).counterfactuals(x)
    everybody = classifiers.tensor(cell[0].features)
    accepted = everybody[cell[1].accepts(everybody)]
    mutable, sex = torch.tensor(encoding.mutable), encoding.sensitive_index
    for factual, counterfactual in zip(x, found, strict=True):
        same = (accepted[:, mutable] == counterfactual[mutable]).all(1)
        assert (accepted[same][:, sex] != factual[sex]).any()
    assert len(torch.unique(found[:, mutable], dim=0)) > 10


@pytest.mark.parametrize(("method", "model"), [("cchvae", "VAE"), ("ibr", "VAE"), ("cruds", "CSVAE"), ("ebr", "MDN")])
def test_a_density_model_that_diverges_says_so(method, model, people, trained):
    with pytest.raises(DataError, match=f"the training of the {model} diverged.*learning_rate"):
        fitted(method, people["levels"], trained["levels", "mlp"], learning_rate=1e12)


def test_unknown_method_names_those_that_exist():
    with pytest.raises(ConfigError, match="wachter"):
        methods.load("watcher")


def test_a_method_of_the_wrong_shape_is_an_error(people, trained):
    x = rejected(people["levels"], trained["levels", "linear"])
    with pytest.raises(ValueError, match="one row per individual"):
        recourse.check(x, x[:-1], people["levels"].encoding, trained["levels", "linear"])


def test_check_counts_each_reason(people, trained):
    """One broken row for each reason, one good row."""
    encoding, classifier = people["levels"].encoding, trained["levels", "linear"]
    x = rejected(people["levels"], classifier)
    good = fitted("wachter", people["levels"], classifier).counterfactuals(x[:1])
    factual, rows = x[:1].expand(7, -1), good.repeat(7, 1)
    job = encoding.columns.index("job=none")
    rows[0] = torch.nan
    rows[1, 0] = torch.inf
    rows[2, encoding.sensitive_index] = 1 - rows[2, encoding.sensitive_index]
    rows[3, 0] = 1.5
    rows[4, job : job + 4] = 1.0
    rows[5] = x[0]
    assert list(recourse.check(factual, rows, encoding, classifier)) == [*contracts.REASONS, ""]


def test_changed_counts_the_found_by_kind_of_feature(people, trained):
    encoding = people["levels"].encoding
    x = rejected(people["levels"], trained["levels", "linear"])[:1].repeat(5, 1)
    (income,), (owner,), job = (encoding.indices(kind)[0] for kind in ("continuous", "binary", "categorical"))
    x[:, job] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    moved = x.clone()
    moved[0, income] = 1 - x[0, income]
    moved[1, owner] = 1 - x[1, owner]
    moved[2, job] = torch.tensor([0.0, 1.0, 0.0, 0.0])
    moved[4] = torch.nan  # not found, so it counts for nothing; row 3 did not move
    found = np.array([True] * 4 + [False])
    assert recourse.changed(x, moved, found, encoding) == {"changed_continuous": 1 / 4, "changed_categorical": 2 / 4}
    assert recourse.changed(x, moved, np.zeros(5, dtype=bool), encoding) == {}, "a share of nobody is not defined"
    continuous = people["continuous"].encoding
    y = torch.zeros(2, len(continuous.columns))
    assert recourse.changed(y, y, np.array([True, True]), continuous) == {"changed_continuous": 0.0}


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
    options = {"steps": 200, "rounds": 1}
    offered, diagnostics = recourse.generate(
        [people["levels"]], [classifier], "one level", "wachter", "wachter", options
    )
    quantity = diagnostics.set_index("quantity")["value"]
    assert offered["found"].all()
    assert (offered[column] == 1).all()
    assert quantity["changed_categorical"] == 1
    assert quantity["changed_continuous"] == 0


def test_a_single_seed_does_not_depend_on_its_company():
    """Each (seed, stage, method) has its own stream, whoever is computed beside it."""
    alone = torch.randn(3, generator=torch_generator(3, "recourse", "ibr"))
    torch_generator(2, "recourse", "ibr")
    assert torch.equal(alone, torch.randn(3, generator=torch_generator(3, "recourse", "ibr")))
    assert not torch.equal(alone, torch.randn(3, generator=torch_generator(3, "recourse", "cchvae")))
    assert population("levels", 1).table["label"].tolist() != population("levels", 2).table["label"].tolist()


@pytest.mark.parametrize("people_at_once", [1, 200])
def test_the_first_shell_with_an_accepted_candidate_wins(people_at_once):
    """Accepted from 0.37 on: shells of 0.1 must stop in [0.3, 0.4), however many are tried at once."""
    x = torch.zeros(people_at_once, 2)

    def candidates(rows, points):
        return points, points.norm(dim=2) >= 0.37

    found = nearest_in_shells(x, x, candidates, 0.1, 50, 100, torch_generator(0))
    radius = found.norm(dim=1)
    assert (radius >= 0.37).all()
    assert (radius < 0.4).all()


def test_of_the_accepted_of_a_shell_the_nearest_is_taken():
    """Shells around a centre that is not the individual: nobody of those shown is nearer, and misses stay empty."""
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]])
    shown = {}

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


def test_face_bridges_separate_clusters():
    """Two clusters per group, rejected and accepted, that no neighbour graph connects (the synthetic population)."""
    from recourse_segregation.data import load
    from recourse_segregation.population import prepare

    people = prepare("synthetic", load("synthetic"), "sex", 0, 10_000)
    classifier = classifiers.train(people, torch_generator(0, "train", "linear"), (), 0.1, 200, 32)
    x = rejected(people, classifier)
    assert classifier.accepts(fitted("face", people, classifier).counterfactuals(x)).all()
    assert torch.isnan(fitted("face", people, classifier, bridges=False).counterfactuals(x)).all()


def test_cruds_start_really_switches(people, trained):
    cell = people["continuous"], trained["continuous", "mlp"]
    x = rejected(*cell)
    start = [fitted("cruds", *cell, start_from_prior=flag).counterfactuals(x) for flag in (True, False)]
    assert not torch.equal(*start)


def test_the_checks_catch_what_carla_s_search_breaks(people, trained):
    """CARLA's iterates leave the box and lose acceptance when immutables are put back; nobody's immutables move."""
    cell = people["levels"], trained["levels", "mlp"]
    x = rejected(*cell)
    found = fitted("wachter", *cell, compatible=True).counterfactuals(x)
    reason = recourse.check(x, found, cell[0].encoding, cell[1])
    assert (reason != "").mean() > 0.2
    assert "immutable moved" not in reason
