"""The exhibits: what the notebooks show, made from the tidy tables of a run.

    from recourse_segregation import exhibits as make

    run = make.load(results).study("main")       # `load` alone: the cells of all studies
    seeds = make.segregation.seeds(run, "everyone")
    table = make.segregation.table(seeds)
    make.save(make.segregation.figure(seeds), table, exhibits, "everyone", "what the picture shows")
    make.segregation.show(table)

One module a notebook, of the same name. In each of them a function makes a tidy table from a run (one row a number,
written as CSV), draws it (`figure`, a matplotlib figure), or lays it out as HTML to be read (`show`). Missing values
are a dash with a footnote that says why; a standard error over seeds is there only if there are two seeds or more.
Populations, methods and scenarios keep the order of the study's lists.

What the modules share:

- `load`, `save`, `save_all` and `Run`, in `_run`: `run.measures`, `.diagnostics`, `.classifiers`, `.comparison`,
  `.claims`, `.claims_evidence`, `.studies`, `.populations`, `run.study(name)`, `run.first_block(population)`.
  `CELL` and `METHOD` are the columns that name a cell; `ordered` sorts rows as another table has them.
- `save_all` writes one table with several figures, such as `segregation.figures(seeds)`: one for each data set.
- `_layout`: `Layout` (rows of column -> text, a title), `tables` (layouts -> HTML), `by_method` (a table a population,
  methods down, metrics or scenarios across), `sentence` (a paragraph made from numbers), `Footnotes`, `Markup`,
  `number` (`0.341 ± 0.003`), `bracket` (`[−0.012, +0.003]`), `p_value`, `unbroken`.
- `_figures`: `theme` (draw within it), `new_figure`, `grid` (empty panels, populations down, metrics across), `dots`
  (a grid of `points`: each seed and the mean), `intervals` and `diamonds` (means with intervals), `undefined`,
  `rows_of`, `legend`, `marker`, `by_cell`, `per_dataset`, `share_axis`, `few_ticks`, `nice_below`, colours, `WIDTH`.
- `segregation`: `mark` (▲ ▼ △ ▽), `interval`, `decided` (what so few seeds can say) and `around_zero` serve any table
  of changes from `statistics`.
- `names` (beside this package): `method`, `scenario`, `population`, `classifier`, `cell`, `metric`, `INDICES`,
  `ADDED`, `QUALITY`.

Changes with intervals and tests come from `statistics` (beside this package).
"""

from . import (
    ablation,
    choices,
    comparison,
    controls,
    conventions,
    populations,
    recourse_quality,
    segregation,
    synthetic,
    tradeoff,
    twenty_seeds,
)
from ._run import Run, load, save, save_all

__all__ = [
    "Run",
    "ablation",
    "choices",
    "comparison",
    "controls",
    "conventions",
    "load",
    "populations",
    "recourse_quality",
    "save",
    "save_all",
    "segregation",
    "synthetic",
    "tradeoff",
    "twenty_seeds",
]
