"""The strength of each sign on each view of each training, as rows of a Parquet file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.laboratory import harm
from benchmarks.laboratory.kept import EARLY_VIEWS, SHARES, Kept, until, views
from rldoctor.rulebook import Case, Rulebook, load_rulebook
from rldoctor.rulebook.observe import made_for, observe_all

# A strength of 1; what could not be measured is 255.
FULL, UNMEASURED = 250, 255


@cache
def signs() -> tuple[str, ...]:
    """Return the codes of the signs that can show on a PPO run."""
    return tuple(code for code, sign in book().signs.items() if made_for(sign, "ppo"))


@cache
def book() -> Rulebook:
    """Return the rulebook."""
    return load_rulebook()


def observed(kept: Kept) -> Iterator[dict[str, Any]]:
    """Yield one row for each view of a training, and for each share of its budget of the first two views."""
    planned = int(kept.label["steps"])
    for view, run in views(kept.run).items():
        for share in SHARES if view in EARLY_VIEWS else (1.0,):
            found, _ = observe_all(book(), Case(until(run, share, planned)))
            row: dict[str, Any] = dict.fromkeys(signs(), UNMEASURED)
            row |= {item.sign.code: round(item.strength * FULL) for item in found}
            yield {**kept.label, "view": view, "share": share, **row}


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as they are."""
    from io import BytesIO

    import pyarrow
    import pyarrow.parquet

    from benchmarks.laboratory.kept import write_whole

    listed = list(rows)
    names = [name for name in listed[0] if name not in signs()]
    table = {name: pyarrow.array([row[name] for row in listed]) for name in names}
    table |= {code: pyarrow.array(np.array([row[code] for row in listed], np.uint8)) for code in signs()}
    content = BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(table), content, compression="zstd", compression_level=9)
    write_whole(path, content.getvalue())


def collect(parts: Sequence[Path], into: Path) -> dict[str, harm.Line]:
    """Join the files of all batches, and say of each training whether it learned and whether it was harmed (unknown: null)."""
    from io import BytesIO

    import pyarrow
    import pyarrow.parquet

    from benchmarks.laboratory.kept import write_whole

    table = pyarrow.concat_tables([pyarrow.parquet.read_table(part) for part in parts], promote_options="default")
    columns = ("environment", "steps", "faults", "returns", "successes", "failed", "always_harms")
    trainings = [
        harm.Training(environment, steps, not faults, _numbers(returns), _numbers(successes), failed, always_harms)
        for environment, steps, faults, returns, successes, failed, always_harms in zip(
            *(table[name].to_pylist() for name in columns), strict=True
        )
    ]
    whole = [one for one, view, share in zip(trainings, table["view"].to_pylist(), table["share"].to_pylist(), strict=True) if view == "callback" and share == 1.0]  # fmt: skip
    lines = harm.lines(whole)
    found = [
        harm.judged(one, lines[one.environment]) if one.environment in lines else (None, None) for one in trainings
    ]
    table = table.append_column("learned", pyarrow.array([learned for learned, _ in found], pyarrow.bool_()))
    table = table.append_column("harmed", pyarrow.array([harmed for _, harmed in found], pyarrow.bool_()))
    content = BytesIO()
    pyarrow.parquet.write_table(
        table.replace_schema_metadata({"lines": json.dumps({name: vars(line) for name, line in lines.items()})}),
        content,
        compression="zstd",
        compression_level=15,
    )
    write_whole(into, content.getvalue())
    return lines


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]
