"""The exhibits of the studies, from hand-made measures with known answers."""

import importlib.util
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from made_up_run import LABELS, cell, study
from recourse_segregation import contracts, exhibits, names
from recourse_segregation.errors import DataError
from recourse_segregation.exhibits import conventions, strictness, tradeoff, variants


def run(*cells, published=(), **described):
    """A run of one study, whose lists are those of its measures unless `described` says otherwise.

    published: method, phase, metric and number.
    """
    names.use(LABELS)
    measures = pd.concat(cells, ignore_index=True).drop_duplicates()
    made = exhibits.Run(Path("made up"), {"main": study(measures, **described)})
    made.measures = contracts.of_study(measures, made.described)
    table = pd.DataFrame(published, columns=["method", "phase", "our_metric", "published"])
    table["metric"] = table["our_metric"].str.replace("atkinson_released", "atkinson")
    table = table.assign(**measures.loc[0, ["population", "classifier"]], allowed=0.01, source="made up")
    made.comparison = table.assign(exhibit=table["population"].replace("law-sex", "real"))
    return made


# --- the trade-off


def swept(cells, base="ebr"):
    """Variants of a method, in this order: its parameters -> what is known of its cell; the published one is first."""
    named, options = {f"{base}-{i}": given for i, given in enumerate(cells)}, tradeoff.PARAMETERS[base]
    told = {base: next(iter(cells)), **named}
    made = (cell(method, **cells[given]) for method, given in named.items())
    return run(
        *made,
        variant_of=dict.fromkeys(named, base),
        options={m: {"synthetic": dict(zip(options, given, strict=True))} for m, given in told.items()},
    )


def rising():
    """Cost rises with β in every seed; the change of every index falls in two seeds, and rises in one."""
    sign = [-1, -1, 1]
    sizes = {0.5: 0.2, 0.0: 0.1, 0.9: 0.3}
    return swept({(p,): {"change": lambda s, d=d: d * sign[s], "cost": 10 * d, "found": 0.5} for p, d in sizes.items()})


def test_the_curves_follow_the_parameter_and_not_the_order_of_the_study():
    seeds = tradeoff.seeds(rising(), "ebr")
    curves = variants.levels(seeds)
    cost, change = (curves[curves["metric"] == metric] for metric in ("cost", "atkinson"))
    assert cost["density_quantile"].tolist() == [0.0, 0.5, 0.9]
    assert cost["mean"].tolist() == [1.0, 2.0, 3.0]
    assert change["mean"].to_numpy() == pytest.approx([-0.1 / 3, -0.2 / 3, -0.1])
    assert ((change["low"] < change["mean"]) & (change["mean"] < change["high"])).all()
    table = tradeoff.monotonicity(seeds).set_index("metric")  # mean over seeds of their own rank correlations
    assert table.loc["cost", ["correlation", "lowest", "highest", "seeds"]].tolist() == pytest.approx([1, 1, 1, 3])
    assert table.loc["atkinson", ["correlation", "lowest", "highest"]].tolist() == pytest.approx([-1 / 3, -1, 1])


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([{"found": 0.5 - i * 1e-16} for i in range(3)], "the same for every parameter"),  # but for rounding
        ([{"found": 0.5}, {"found": 0.6}], "a value for fewer than three parameters"),
    ],
)
def test_a_trend_that_is_not_defined_says_why(cells, why):
    own = swept({(i / 10,): one for i, one in enumerate(cells)})
    found = tradeoff.monotonicity(tradeoff.seeds(own, "ebr")).set_index("metric").loc["found"]
    assert np.isnan(found["correlation"])
    assert found["note"] == why


def test_a_study_without_variants_of_a_method_has_no_figure():
    own = rising()
    seeds = tradeoff.seeds(own, "ibr")
    assert seeds.empty
    assert tradeoff.defaults(own, "ibr") == {}
    own.diagnostics = ended_with({})
    levels = variants.levels(cells := tradeoff.of_model(own, seeds))
    assert tradeoff.maps(levels, {}) == {}
    differences = tradeoff.equivalence(seeds, dict.fromkeys(names.INDICES, 0.01))
    assert tradeoff.show_equivalence(differences).data == ""
    assert tradeoff.show_balance(tradeoff.balance(cells, differences)).data == ""
    curves = variants.levels(seeds.rename(columns={"kl_weight": "density_quantile"}))
    assert tradeoff.show_monotonicity(tradeoff.monotonicity(curves.assign(seed=0))).data == ""
    assert tradeoff.figure(curves, {}) is None


def test_what_the_study_does_not_say_of_a_variant_or_says_twice_is_an_error():
    own = rising()
    own.described["options"]["ebr-1"]["synthetic"]["density_quantile"] = 0.9
    with pytest.raises(DataError, match="same density_quantile on synthetic: ebr-1, ebr-2"):
        tradeoff.seeds(own, "ebr")
    del own.described["options"]["ebr-1"]
    with pytest.raises(DataError, match=r"density_quantile ebr-1 has on synthetic"):
        tradeoff.seeds(own, "ebr")
    own.measures = own.measures.query("metric != 'diversity'")
    with pytest.raises(DataError, match="have no diversity"):
        tradeoff.seeds(own, "ebr")


@pytest.mark.parametrize(("against", "place"), [("β", 0.5), ("cost", 2.0)])
def test_the_published_default_is_ringed(against, place):
    own = rising()
    figure = tradeoff.figure(variants.levels(tradeoff.seeds(own, "ebr")), tradeoff.defaults(own, "ebr"), against)
    drawn = {c.get_label(): c for c in figure.axes[0].collections}
    assert drawn["published default"].get_offsets()[:, 0] == [place]
    assert [label for label in drawn if "β" in label] == [f"β = {value}" for value in ("0", "0.5", "0.9")]
    low, high = figure.axes[0].get_xlim()
    assert low < 0 < 0.9 < high or against == "cost"


def ended_with(models, seeds=(0, 1, 2)):
    """`diagnostics`: method -> KL and cross-entropy of the adversary, where the entropy of the group is 0.7."""
    rows = [
        ("synthetic", seed, "linear", method, quantity, value)
        for method, (kl, error) in models.items()
        for seed in seeds
        for quantity, value in {"kl": kl, "adversary_cross_entropy": error, "group_entropy": 0.7, "rejected": 9}.items()
    ]
    return pd.DataFrame(rows, columns=list(contracts.CONTRACTS["diagnostics"]))


@pytest.fixture
def mapped():
    """γ does nothing where the latent is empty; elsewhere it lowers the index by 0.2, or nobody can tell."""
    noise = [0.0, 0.001, -0.001]
    own = swept(
        {
            (1.0, 1.0): {"change": lambda s: 0.1 + noise[s]},
            (1.0, 0.0): {"change": 0.1},
            (0.1, 0.0): {"change": 0.3},
            (0.1, 1.0): {"change": lambda s: 0.1 + noise[s]},
            (0.1, 9.0): {"change": lambda s: 0.3 + 50 * noise[s]},
        },
        "ibr",
    )
    own.diagnostics = ended_with(
        {f"ibr-{i}": m for i, m in enumerate([(0, 0.7), (0, 0.7), (5, 0.6), (5, 0.7), (5, 0.9)])}
    )
    return own


def test_gamma_is_judged_with_each_kl_weight(mapped):
    seeds = tradeoff.seeds(mapped, "ibr")
    table = tradeoff.equivalence(seeds, dict.fromkeys(names.INDICES, 0.01)).query("metric == 'atkinson'")
    assert table[["kl_weight", "adversary_weight"]].to_numpy().tolist() == [[1.0, 1.0], [0.1, 1.0], [0.1, 9.0]]
    assert table["verdict"].tolist() == ["equivalent", "different", "undecided"]
    assert table["difference"].to_numpy() == pytest.approx([0, -0.2, 0])
    half = 2.919986 * 0.001 / np.sqrt(3)  # 90 % of Student's t for two degrees of freedom
    assert table[["low", "high"]].iloc[0].tolist() == pytest.approx([-half, half])
    judged = tradeoff.balance(tradeoff.of_model(mapped, seeds), table).set_index("kl_weight")
    assert judged.loc[1, "read_with"] == pytest.approx(0), "with its own largest γ"
    row = judged.loc[0.1]
    assert row[["kl", "read_without", "read_with"]].tolist() == pytest.approx([5, 0.1, -0.2])
    assert row[["tests", "equivalent", "different"]].tolist() == [2, 0, 1]
    assert "0.0000 ≈" in tradeoff.show_equivalence(table).data


def test_the_map_frames_the_published_default(mapped):
    cells = tradeoff.of_model(mapped, tradeoff.seeds(mapped, "ibr"))
    [figure] = tradeoff.maps(variants.levels(cells), tradeoff.defaults(mapped, "ibr")).values()
    kl, read, *_ = figure.axes
    assert [text.get_text() for text in kl.texts] == ["0.000", "0.000", "5.000", "5.000", "5.000"]
    assert [text.get_text() for text in read.texts][-1] == "−0.200"
    assert [patch.get_xy() for patch in kl.patches] == [(1, 0)]
    figure.draw_without_rendering()


# --- variants beside what they are made of


@pytest.fixture
def parts():
    """Without its adversary IBR changes by 0.3 to 0.5, else by 0.1; a second scenario counts nowhere."""
    return run(
        cell("ibr", 0.1, cost=1.0),
        cell("ibr-g0", lambda s: 0.3 + 0.1 * s, cost=0.5),
        cell("cchvae", 0.1, cost=1.5, diversity=np.nan),
        *(cell(method, 9.0, cost=9.0, scenario="drop") for method in ("ibr", "ibr-g0")),
        variant_of={"ibr-g0": "ibr"},
    )


def test_a_variant_is_compared_with_its_base_within_a_seed(parts):
    table = variants.contrasts(parts).set_index(["method", "metric"])
    assert set(table.index.get_level_values("method")) == {"ibr-g0"}
    row = table.loc[("ibr-g0", "atkinson")]
    assert row[["reference", "significant", "note"]].tolist() == ["ibr", False, ""]
    half = 4.302653 * 0.1 / np.sqrt(3)  # Student's t for two degrees of freedom
    numbers = row[["reference_mean", "mean", "difference", "low", "high"]]
    assert numbers.tolist() == pytest.approx([0.1, 0.4, 0.3, 0.3 - half, 0.3 + half], abs=1e-6)
    assert table.loc[("ibr-g0", "cost"), "difference"] == pytest.approx(-0.5)


def test_c_chvae_is_compared_with_the_method_that_is_built_on_it(parts):
    table = variants.contrasts(parts, variants.BESIDE).set_index(["method", "metric"])
    assert table.loc[("cchvae", "cost"), "reference"] == "ibr"
    assert table.loc[("cchvae", "cost"), "difference"] == pytest.approx(0.5)
    lost = table.loc[("cchvae", "diversity")]
    assert np.isnan(lost["difference"])
    assert (lost["note"], lost["seeds"]) == ("nobody <found>", 0)


def test_levels_keep_the_order_of_the_study_and_say_what_is_missing(parts):
    table, contrasts = variants.levels(variants.seeds(parts)), variants.contrasts(parts)
    assert table["method"].unique().tolist() == ["ibr", "ibr-g0", "cchvae"]
    assert table["metric"].unique().tolist() == list(variants.METRICS)
    lost = table[(table["method"] == "cchvae") & (table["metric"] == "diversity")]
    assert lost["note"].tolist() == ["nobody <found>"]
    shown = variants.show(table, contrasts).data
    assert "nobody &lt;found&gt;" in shown
    assert "<b>+0.3000</b>" in shown
    assert len(variants.figure(contrasts, "difference").axes) == len(variants.METRICS)


def test_a_study_without_variants_or_without_their_base_has_no_contrasts():
    with pytest.raises(DataError, match="face-k20 is compared with face, which the study lacks"):
        variants.contrasts(run(cell("face-k20"), variant_of={"face-k20": "face"}))
    own = run(cell("face"))
    levels, contrasts = variants.levels(variants.seeds(own)), variants.contrasts(own)
    assert set(levels["method"]) == {"face"}
    assert contrasts.empty
    assert variants.figure(contrasts, "difference") is None
    assert "FACE" in variants.show(levels, contrasts).data


def test_the_document_shows_choices_and_the_paired_difference_below(monkeypatch):
    path = Path(__file__).parents[2] / "docs" / "update_numbers.py"
    spec = importlib.util.spec_from_file_location("update_numbers", path)
    update_numbers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(update_numbers)
    own = run(cell("face", 0.1), cell("face-k20", 0.3, cost=1.25), variant_of={"face-k20": "face"})
    tables = {"levels": variants.levels(variants.seeds(own)), "contrasts": variants.contrasts(own)}
    texts = {f"exhibits/choices/{name}": table.to_csv(index=False) for name, table in tables.items()}
    monkeypatch.setattr(update_numbers, "read", lambda name: pd.read_csv(StringIO(texts[name])))
    lines = update_numbers.alternatives().splitlines()
    assert lines[2].startswith("| synthetic | `face` | 1.000 | 1.000 | 0.250 | +0.1000 |")
    assert lines[3].startswith("| synthetic | `face-k20` | 1.000<br>(+0.000 [+0.000, +0.000]) | 1.250<br>(+0.250 [")
    assert "+0.3000<br>(+0.2000 [+0.2000, +0.2000])" in lines[3]


# --- conventions

PRINTED = [
    ("none", "before", "centralization_released", 0.5),
    ("wachter", "after", "centralization_released", 0.9),
    ("wachter", "after", "atkinson_released", 0.6),
    ("face", "after", "cost", 1.0),
]


@pytest.fixture
def measured():
    """The released centralization of Wachter is 0.9 only if the unresolved are dropped; CARLA's Wachter is dearer."""
    released = {"atkinson_released": 0.7}
    return run(
        cell("wachter", 0.1, **released),
        cell("wachter", 0.1, scenario="drop", centralization_released=0.9, **released),
        cell("wachter-compatible", 0.1, cost=3.0, **released),
        cell("face", 0.1),
        cell("face", 0.1, scenario="drop"),
        variant_of={"wachter-compatible": "wachter"},
        scenarios=["default", "drop"],
        published=PRINTED,
    )


def test_a_convention_has_a_row_only_where_it_changes_a_number(measured):
    table = conventions.table(measured)
    changed = table[table["convention"] != conventions.OURS]
    dropped = changed[changed["convention"] == "Unresolved dropped"]
    assert set(dropped["method"]) == {"wachter"}
    assert set(dropped["metric"]) == {"centralization_released"}
    assert dropped["phase"].tolist() == ["after", "change"]
    assert dropped["difference"].tolist() == pytest.approx([0.3, 0.3])
    carla = changed[changed["convention"] == "Wachter as CARLA"]
    assert carla[["method", "metric", "base", "value"]].values.tolist() == [["wachter", "cost", 1.0, 3.0]]
    released = changed[changed["convention"] == "Atkinson as released"].set_index(["method", "phase"])
    assert released.loc[("wachter", "after"), ["base", "value", "published"]].tolist() == pytest.approx([0.6, 0.7, 0.6])
    assert "Radius" not in " ".join(table["convention"])

    ours = table[table["convention"] == conventions.OURS]  # every number once
    assert not ours.duplicated(["population", "classifier", "method", "phase", "metric"]).any()
    assert (ours["difference"] == 0).all()
    assert len(conventions.figure(table).axes) == 3
    assert set(ours.loc[ours["phase"] == "before", "method"]) == {"none"}


def test_an_undefined_number_says_why():
    lost = cell("face", scenario="drop", cost=np.nan)
    own = run(cell("face"), lost, published=PRINTED[3:])
    shown = conventions.show(conventions.table(own)).data
    assert "nobody &lt;found&gt;" in shown


def test_without_the_first_scenario_there_is_an_error(measured):
    measured.described["scenarios"] = ["origin", "drop"]
    with pytest.raises(DataError, match="no measures in the scenario 'origin'"):
        conventions.table(measured)


# --- strictness

NETWORKS = {"mlp": 0.01, "mlp-strict-60": 0.6}


def strict():
    """Two methods on Law: the share who move is that of the rejected; the effect is 0.1 and 0.2 times as large."""
    cells = [
        cell(method, lambda s, d=share, by=share * by, e=effect: d + e * (by + 0.001 * s), **where)
        for classifier, share in NETWORKS.items()
        for method, by in {"face": -0.2, "ebr": 0.1}.items()
        for scenario, effect in {"default": 1, "placebo": 0}.items()
        for where in [{"scenario": scenario, "population": "law-sex", "classifier": classifier}]
    ]
    made = run(*cells)
    movers = made.measures["classifier"].map({name: round(100 * share) for name, share in NETWORKS.items()})
    made.measures["n"] = movers.where(made.measures["scope"] == "recipients", 100)
    rows = [(s, name, group, 50 - 50 * share) for s in range(3) for group in "ab" for name, share in NETWORKS.items()]
    train = pd.DataFrame(rows, columns=["seed", "classifier", "group", "accepted"])
    made.classifiers = train.assign(population="law-sex", split="train", individuals=50)
    return made


def test_effects_stand_beside_the_share_who_move():
    """What shuffled groups change as well is no effect."""
    table = strictness.effects(strict())
    assert set(table["metric"]) == {m for m in strictness.METRICS if m in names.INDICES}
    assert table["classifier"].unique().tolist() == list(NETWORKS)
    assert (table["published"] == (table["classifier"] == "mlp")).all()
    row = table.set_index(["classifier", "method", "metric"]).loc[("mlp-strict-60", "face", "atkinson")]
    assert row[["rejected", "moved"]].tolist() == pytest.approx([0.6, 0.6])
    assert row[["real", "shuffled", "change"]].tolist() == pytest.approx([0.481, 0.6, -0.119])


def test_strictness_is_answered_drawn_and_shown():
    table = strictness.effects(strict())
    summary = strictness.summary(table)
    seeing = set(table["metric"]) - {"average_proximity"}
    assert summary["effects"].tolist() == [2 * len(seeing)] * 2
    assert summary["more"].tolist() == [0, len(seeing)]
    assert summary["less"].tolist() == [0, len(seeing)], "0.001 for each seed hides what one in a hundred do"
    assert summary["atkinson"].tolist() == pytest.approx([0.0015, 0.09], abs=1e-3)
    thresholds = strictness.show_summary(strictness.summary(table, "classifier")).data
    assert f"60.0 % to 60.0 %</td><td>{len(seeing)} of {2 * len(seeing)}" in thresholds.replace("\u00a0", " ")
    assert "Law school by sex" in strictness.show_summary(summary).data
    by_method = strictness.summary(table, "method")
    assert by_method[["method", "more", "less"]].values.tolist() == [
        ["face", 0, 0],
        ["face", 0, len(seeing)],
        ["ebr", 0, 0],
        ["ebr", len(seeing), 0],
    ]
    assert "FACE" in strictness.show_summary(by_method).data
    shown = strictness.show(table).data
    assert shown.count("mlp-strict-60") == 1
    assert "▽" in shown
    figures = strictness.figures(table)
    assert figures.keys() == {"paper", "others"}
    (line, *_) = [c for c in figures["paper"].axes[0].collections if c.get_label() == "published threshold"]
    assert line.get_offsets()[:, 0].tolist() == pytest.approx([0.01, 0.01])
