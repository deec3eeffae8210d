"""Run the examples of signs: some must make a sign fire, some must leave it silent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from rldoctor import references
from rldoctor.model import Curve, Run
from rldoctor.rulebook.case import Case
from rldoctor.rulebook.observe import Evidence, observe
from rldoctor.rulebook.schema import Example, Sign


def case_of(example: Example) -> Case:
    """Return the run that an example describes, with the reference that it names.

    Raises:
        UsageError: There is no such reference.
    """
    steps = np.linspace(example.last_step / example.points, example.last_step, example.points).astype(np.int64)
    curves = {}
    for metric, control in example.curves.items():
        values = np.interp(np.linspace(0, 1, example.points), np.linspace(0, 1, len(control)), control)
        curves[metric] = Curve(metric, steps, values, metric)
    run = Run("example", "sb3", curves, record=dict(example.record), suite=example.suite)
    return Case(run, references.load(example.reference) if example.reference else None, bool(example.reference))


def wrong_examples(signs: Iterable[Sign]) -> Iterator[str]:
    """Yield a sentence for each example on which a sign does not do what the example says."""
    for sign in signs:
        for example in sign.examples:
            result = observe(sign, case_of(example))
            fires = isinstance(result, Evidence) and result.fires
            if fires is not example.fires:
                did = "fires" if fires else "stays silent"
                yield f"{sign.code} {sign.name} {did} on its example {example.why!r} ({sign.file})"
