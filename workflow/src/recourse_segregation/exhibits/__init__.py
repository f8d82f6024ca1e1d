"""The exhibits: what the notebooks show, made from the tidy tables of a run.

    from recourse_segregation.exhibits import load, save, segregation

    run = load(results).study("main")
    seeds = segregation.seeds(run, "everyone")
    table = segregation.table(seeds)
    save(None, table, exhibits, "everyone")
    segregation.show(table)

In each module a function makes a tidy table from a run (one row a number, written as CSV), draws it (`figure`, a
matplotlib figure), or lays it out as HTML to be read (`show`). Missing values are a dash with a footnote that says why;
a standard error over seeds is there only if there are two seeds or more. Populations, methods, scenarios and metrics
are ordered categories: whatever is grouped or sorted by them is in the order of the study's lists.

The modules share `_run`, `_tables` and `_figures`; `mark`, `interval` and `decided` of `segregation` serve any table of
changes. Changes with intervals and tests come from `statistics`, names from `names`, both beside this package. A
notebook imports the modules that it uses, so that a change of one module runs its own notebooks again.
"""

from ._run import Run, load, save

__all__ = ["Run", "load", "save"]
