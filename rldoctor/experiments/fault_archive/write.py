"""Writes the archive: a zip with the logs, labels and splits of recorded runs, a data card and a scorer."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rldoctor import datafile
from rldoctor.experiments.fault_archive.labels import LabelledRun
from rldoctor.experiments.faults import all_faults
from rldoctor.logs.formats.log_file import LogFile
from rldoctor.logs.formats.tfevents import is_event_file, read_event_files
from rldoctor.rulebook import load_rulebook
from rldoctor.version import __version__

_HERE = Path(__file__).resolve().parent
# Files of an archive are of no time, so that the same runs make the same bytes. 1980 is the first year of a zip.
_TIME = (1980, 1, 1, 0, 0, 0)
_LICENCE = """MIT License

Copyright (c) the rldoctor authors

Permission is hereby granted, free of charge, to any person obtaining a copy of this data and software, to deal in it
without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of it, subject to the condition that this notice is included in all copies or
substantial portions. It is provided "as is", without warranty of any kind.
"""
_RUN_COLUMNS = (
    *("id", "split", "kind", "environment", "recipe", "seed", "steps", "fault", "severity", "causes"),
    *("return", "success"),
)
Table = Sequence[Mapping[str, Any]]


def export(runs: Sequence[LabelledRun], archive: Path) -> None:
    """Write ``archive``, a zip with everything of ``runs`` that ``card.md`` describes.

    Raises:
        UsageError: The place cannot be written to.
    """
    with (
        datafile.replacing(archive) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed,
    ):
        for name, content in _members(sorted(runs, key=lambda run: run.id)):
            packed.writestr(zipfile.ZipInfo(name, _TIME), content, zipfile.ZIP_DEFLATED)


def _members(runs: Sequence[LabelledRun]) -> Iterator[tuple[str, str | bytes]]:
    """Yield the path and content of each file of the archive."""
    yield "README.md", _card(runs)
    yield "LICENSE", _LICENCE
    yield "score.py", (_HERE / "score.py").read_text(encoding="utf-8")
    yield "runs.csv", _csv(_RUN_COLUMNS, [_label(run) for run in runs])
    yield "faults.csv", _csv(("fault", "breaks", "severities", "causes"), _faults())
    yield "causes.csv", _csv(("cause", "title", "what"), _causes())
    yield "operators.csv", _csv(("from", "operator", "does", "faults", "laboratory", "note"), published_operators())
    for run in runs:
        yield f"runs/{run.id}/run.json", (run.directory / "run.json").read_bytes()
        files = sorted(file for file in run.directory.iterdir() if is_event_file(file.name))
        for file in files:
            yield f"runs/{run.id}/{file.name}", file.read_bytes()
        for number, log in enumerate(read_event_files(files, lambda tag: True), 1):
            yield f"scalars/{run.id}{f'.{number}' if number > 1 else ''}.csv", _scalars(log)


def _label(run: LabelledRun) -> dict[str, Any]:
    outcome = run.label.get("outcome")
    reached = outcome if isinstance(outcome, Mapping) else {}
    return {
        **{name: getattr(run, name) for name in ("id", "split", "kind", "seed", "severity")},
        "environment": run.recipe.get("env", ""),
        "recipe": run.recipe.get("name", ""),
        "steps": run.run.last_step,
        "fault": run.fault.name if run.fault else "",
        "causes": " ".join(run.right),
        **{key: "" if reached.get(key) is None else reached[key] for key in ("return", "success")},
    }


def _faults() -> Iterator[dict[str, str]]:
    for fault in all_faults():
        severities = "; ".join(f"{name} {knob:g}" for name, knob in fault.severities.items())
        causes = " ".join(fault.diagnoses)
        yield {"fault": fault.name, "breaks": fault.breaks, "severities": severities, "causes": causes}


def _causes() -> Iterator[dict[str, str]]:
    for rule in load_rulebook().diagnoses.values():
        yield {"cause": rule.name, "title": rule.title, "what": " ".join(rule.what.split())}


def published_operators() -> list[dict[str, str]]:
    """Return the rows of ``checks/published_operators.toml``: where each is from, what it does, our faults."""
    papers = datafile.read_toml(datafile.folder("checks") / "published_operators.toml")
    return [
        {
            "from": paper["title"],
            "operator": operator["name"],
            "does": operator["does"],
            **{key: " ".join(operator.get(key, ())) for key in ("faults", "laboratory")},
            "note": operator.get("note", ""),
        }
        for paper in papers["paper"]
        for operator in paper["operator"]
    ]


def _scalars(log: LogFile) -> str:
    """Return the scalars of an event file as a table: a row for each step, numbers that make the same float32."""
    if log.points:
        log = log.flat()
        order = np.argsort(log.steps, kind="stable")
        log = replace(log, tag_ids=log.tag_ids[order], steps=log.steps[order], values=log.values[order])
    tags = sorted(log.tags)
    column = {tag: place for place, tag in enumerate(tags)}
    rows: dict[int, list[str]] = {}
    for tag_id, step, value in zip(log.tag_ids.tolist(), log.steps.tolist(), log.values.tolist(), strict=True):
        row = rows.setdefault(step, [""] * len(tags))
        row[column[log.tags[tag_id]]] = f"{np.float32(value):.9g}"
    return _csv(("step", *tags), [{"step": step, **dict(zip(tags, row, strict=True))} for step, row in rows.items()])


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _card(runs: Sequence[LabelledRun]) -> str:
    """Return the data card, its counts and the table of operators filled in."""
    kinds = Counter(run.kind for run in runs)
    recorded = {run.fault.name for run in runs if run.fault}
    text = (_HERE / "card.md").read_text(encoding="utf-8")
    numbers = {kind: kinds[kind] for kind in ("healthy", "harmful", "harmless")}
    recipes = ", ".join(sorted({str(run.recipe.get("name", "")) for run in runs}))
    rows = {"counts": "\n".join(_counts(runs)), "operators": "\n".join(_operators(recorded))}
    return text.format(runs=len(runs), version=__version__, recipes=recipes, **numbers, **rows)


def _counts(runs: Sequence[LabelledRun]) -> Iterator[str]:
    for env in sorted({str(run.recipe.get("env", "")) for run in runs}):
        here = [run for run in runs if run.recipe.get("env") == env]
        kinds = Counter(run.kind for run in here)
        tested = sum(run.split == "test" for run in here)
        cells = [env, *(str(kinds[kind]) for kind in ("healthy", "harmful", "harmless")), str(tested)]
        yield f"| {' | '.join(cells)} |"


def _operators(recorded: set[str]) -> Iterator[str]:
    title = ""
    for row in published_operators():
        if row["from"] != title:
            title = row["from"]
            yield f"\n**{title}**\n\n| operator | what it does | faults here |\n|---|---|---|"
        names = [f"`{name}`{'' if name in recorded else '*'}" for name in row["faults"].split()]
        names += [f"`{name}`†" for name in row["laboratory"].split()]
        yield f"| {row['operator']} | {row['does']} | {', '.join(names) or row['note']} |"
