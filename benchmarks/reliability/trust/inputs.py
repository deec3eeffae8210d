"""Recipes, evaluations, tag mappings and reports that are invalid, or lead out of their folder."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from benchmarks.reliability.event_files.files import recorded, written
from benchmarks.reliability.fault import HEALTHY, ROOT, Row, here
from benchmarks.reliability.trust.short_training import SETTINGS
from rldoctor.references import load_recipe


def paths_that_lead_out(place: Path, often: int) -> Row:
    names = (
        "../x",
        "a/../../x",
        "/etc/x",
        "..",
        ".",
        "",
        "a//b",
        "..\\x",
        "C:/x",
        "~/x/../..",
        "a\0b",
        "x/.",
        "\\\\host\\share",
    )
    outside = place / "outside"
    outside.mkdir()
    tried = 0
    for name in names[:often]:
        tried += 2
        recipe = (ROOT / "reference_curves/fetch_reach_dense/quick/recipe.toml").read_text(encoding="utf-8")
        toml = place / "recipe.toml"
        named = re.sub(r'(?m)^name = ".*"', lambda _, name=name: f"name = {json.dumps(name)}", recipe)
        toml.write_text(named, encoding="utf-8")
        code, text = here("train", "--reference", toml, "--runs", outside / "runs", "--set", SETTINGS)
        assert code == 2, (name, text)
        run = place / "run"
        shutil.rmtree(run, ignore_errors=True)
        written(run, recorded()[0])
        (run / "run.json").write_text(json.dumps({"rldoctor_run": 1, "recipe": load_recipe("quick").to_json()}))
        (run / "evaluation.json").write_text(
            json.dumps(
                {
                    "rldoctor_evaluation": 1,
                    "env": load_recipe("quick").env,
                    "episodes": [{}],
                    "policy": {"file": f"{name}/../../secret", "sha256": ""},
                }
            )
        )
        (place / "secret").write_text("mine")
        assert here("gate", run)[0] == 3
    assert not [path for path in outside.rglob("*") if path.is_file()]
    return Row(
        tried,
        "recipes: exit code 2; an evaluation that points to a file outside the run: 3; nothing is read or written there",
    )


def nothing_outside(place: Path, often: int) -> Row:
    """Give other files as tag mapping, reference or report."""
    tried = 0
    for content in (
        b"",
        b"\0" * 1000,
        b"a = " + b"[" * 10_000,
        b"a = " + b"9" * 10_000,
        b"\xff\xfe",
        b"[x]\n" * 50_000,
    )[:often]:
        file = place / "mine.toml"
        file.write_bytes(content)
        for words in (
            ("diagnose", HEALTHY, "--framework", file),
            ("diagnose", HEALTHY, "--reference", file),
            ("train", "--reference", file),
            ("show", file),
        ):
            tried += 1
            code, text = here(*words)
            assert code in (2, 3), (words, text)
    return Row(tried, "exit code 2 or 3 with one sentence")
