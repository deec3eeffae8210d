"""What --where selects is what Python would, and nothing of it is executed."""

from __future__ import annotations

import math

import pytest

pa = pytest.importorskip("pyarrow", reason="needs the extra [parquet]")

from rldoctor.diagnosis.bulk.where import expression_of  # noqa: E402
from rldoctor.errors import UsageError  # noqa: E402

ROWS = [
    {"verdict": "sick", "steps": 100, "final_return": -9.0, "codes": "UPD101 RET102", "failed": False},
    {"verdict": "sick", "steps": 200, "final_return": None, "codes": "", "failed": True},
    {"verdict": "healthy", "steps": 300, "final_return": 5.5, "codes": "RET901", "failed": False},
    {"verdict": "suspect", "steps": 50, "final_return": -1.0, "codes": "UPD102", "failed": None},
]
TABLE = pa.Table.from_pylist(ROWS)


def selected(text: str) -> list[int]:
    chosen = TABLE.append_column("row", pa.array(range(len(ROWS)))).filter(expression_of(text, TABLE.schema))
    return chosen["row"].to_pylist()


@pytest.mark.parametrize(
    "text",
    [
        'verdict == "sick"',
        'verdict != "sick" and steps >= 50.5',
        '"sick" == verdict or steps > 250',
        "final_return < 0",
        "not final_return < 0",
        "final_return != -9",
        "-10 < final_return <= -1",
        'verdict in ["sick", "suspect"] and steps not in (50, 200)',
        '"UPD10" in codes',
        '"UPD10" not in codes',
        'codes.startswith("UPD") or codes.endswith("901")',
        "failed",
        "not failed",
        "final_return is None",
        "final_return is not None and not (steps == 100)",
    ],
)
def test_the_rows_are_those_that_python_selects(text):
    # NaN compares as a missing number does; a missing truth is not true.
    slow = [
        place
        for place, row in enumerate(ROWS)
        if eval(
            text.replace("final_return is", "found is"),
            {**row, "final_return": math.nan if row["final_return"] is None else row["final_return"]},
            {"found": row["final_return"]},
        )
    ]
    assert selected(text) == slow
    assert 0 < len(slow) < len(ROWS)


def test_the_signs_of_pandas_work_as_words_do():
    assert selected('(verdict == "sick") & ~(steps == 100) | (steps == 50)') == [1, 3]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('verdit == "sick"', r"has no column 'verdit'\. Did you mean verdict\?"),
        ('verdict = "sick"', "is no expression"),
        ('verdict == "sik"', r"'sik' is no verdict\. Did you mean sick\?"),
        ('verdict in ["sick", "ill"]', "'ill' is no verdict"),
        ("verdict == 3", r"compares verdict \(text\) with 3 \(a number\)"),
        ('steps == "3"', r"compares steps \(a number\) with"),
        ("final_return == None", "Write final_return is None"),
        ("verdict", "holds text, not True or False"),
        ("steps.startswith('1')", "holds a number, not text"),
        ("1 == 1", "cannot use '1'"),
        ("steps + 1 == 2", "cannot use 'steps \\+ 1'"),
        ("", "is no expression"),
        ("verdict ==", "is no expression"),
        ("\0", "no expression"),
        ("(" * 5_000 + "failed" + ")" * 4_000, "no expression"),
        ("not " * 2_400 + "failed", "no expression"),
        ("failed or " * 2_000 + "failed", "characters"),
    ],
)
def test_what_is_no_expression_says_so_in_a_sentence(text, why):
    with pytest.raises(UsageError, match=why) as found:
        expression_of(text, TABLE.schema, "results")
    assert "\n" not in found.value.problem


@pytest.mark.parametrize(
    "text",
    [
        "__import__('pathlib').Path('{file}').touch()",
        "verdict == __import__('pathlib').Path('{file}').touch()",
        "verdict.__class__ == 'x'",
        "verdict.startswith(open('{file}', 'w').name)",
        "verdict in [open('{file}', 'w').name]",
        "[open('{file}', 'w') for _ in 'x']",
        "(lambda: open('{file}', 'w'))()",
        'f\'{{open("{file}", "w")}}\' in verdict',
        "(x := open('{file}', 'w')) is None",
        "@failed",
        "failed if open('{file}', 'w') else failed",
        "verdict.startswith('s', open('{file}', 'w'))",
        "verdict.startswith(*['s'])",
    ],
)
def test_nothing_is_executed(text, tmp_path):
    file = tmp_path / "made"
    with pytest.raises(UsageError, match=r"--where|no column"):
        expression_of(text.format(file=file), TABLE.schema)
    assert not file.exists()
