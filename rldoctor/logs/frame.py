"""Many runs as one long pandas table, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from rldoctor.model import Curve, Run

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("run", "framework", "metric", "tag", "step", "value")


def frame_of(runs: Iterable[Run]) -> pd.DataFrame:
    """Return a row for each logged point: run, framework, metric, tag, step and value.

    The first four columns are categories, so that millions of points stay small. Points keep the order in which they
    were logged; values are in rldoctor's sign and scale (``rldoctor explain METRIC``), NaN and infinities as logged.
    """
    import pandas as pd

    curves: list[tuple[tuple[str, str, str, str], Curve]] = []
    for run in runs:
        curves += [((run.path, run.framework, curve.metric, curve.tag), curve) for curve in run.curves.values()]
    lengths = [len(curve) for _, curve in curves]
    columns: dict[str, object] = {}
    for place, name in enumerate(COLUMNS[:4]):
        words = pd.Categorical([names[place] for names, _ in curves])
        columns[name] = words.take(np.repeat(np.arange(len(curves)), lengths))
    columns["step"] = np.concatenate([np.empty(0, np.int64), *(curve.steps for _, curve in curves)])
    columns["value"] = np.concatenate([np.empty(0), *(curve.values for _, curve in curves)])
    return pd.DataFrame(columns)
