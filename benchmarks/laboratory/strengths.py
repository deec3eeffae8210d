"""The strength of each sign on each view of each training, as rows of a Parquet file."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.laboratory import harm
from benchmarks.laboratory.kept import EARLY_VIEWS, SHARES, Kept, until, views
from benchmarks.laboratory.table import EARLIER
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


def collect(
    parts: Sequence[Path], into: Path, earlier: Path | None = None, made_anew: Collection[str] = ()
) -> dict[str, harm.Line]:
    """Join the files of all batches, and say of each training whether it learned and whether it was harmed (unknown: null).

    Args:
        parts: Rows of batches.
        into: The file.
        earlier: A table of earlier trainings, which are kept.
        made_anew: Environments whose earlier trainings are not.
    """
    from io import BytesIO

    import pyarrow
    import pyarrow.parquet

    from benchmarks.laboratory.kept import write_whole

    tables = [pyarrow.parquet.read_table(part) for part in parts]
    if earlier is not None:
        tables.append(_kept(earlier, made_anew))
    table = pyarrow.concat_tables(tables, promote_options="default")
    for code in set(signs()) & set(table.column_names):
        # What an earlier table does not know was not measured.
        column = table[code].fill_null(UNMEASURED)
        table = table.set_column(table.column_names.index(code), code, column)
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


def _kept(earlier: Path, made_anew: Collection[str]) -> Any:
    """Return the rows of earlier trainings, their batches numbered apart, without those of some environments."""
    import pyarrow.compute
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(earlier)
    known = [name for name in table.column_names if name not in ("learned", "harmed")]
    table = table.select([name for name in known if table.schema.field(name).type != "uint8" or name in signs()])
    table = table.filter(~np.isin(table["environment"].to_pylist(), list(made_anew)))
    place = table.column_names.index("batch")
    return table.set_column(place, "batch", pyarrow.compute.add(table["batch"], EARLIER)).replace_schema_metadata()


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]
