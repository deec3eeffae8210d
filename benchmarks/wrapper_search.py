"""How often the wrapper in which a fault enters is named: python -m benchmarks.wrapper_search

Builds stacks of two to six wrappers with one fault in any layer, runs preflight on each, and writes docs/wrapper-search.md.
A minute.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import DOCS
from rldoctor.preflight.runner import run_preflight
from tests.examination import stacks


def cases() -> Iterator[tuple[int, str, int]]:
    """Yield depth, fault and place of each stack: every depth with every fault, at places that go round."""
    for number, (depth, fault) in enumerate((d, f) for d in range(2, 7) for f in stacks.FAULTY):
        yield depth, fault, number % depth


def main() -> None:
    """Search in every stack, and write the table."""
    rows = ["| wrappers | fault | layer (0 is innermost) | named | by |", "|---|---|---|---|---|"]
    right = total = 0
    for depth, fault, place in cases():
        result = run_preflight(
            f"{stacks.__file__}:stacked",
            select=["ENV"],
            arguments={"depth": depth, "fault": fault, "place": place},
            budget=30.0,
        )
        named = {f.code for f in result.findings if f"the fault is in {fault}" in f.message}
        wrong = {f.code for f in result.findings if "the fault is in" in f.message} - named
        good = bool(named) and not wrong
        right, total = right + good, total + 1
        rows.append(
            f"| {depth} | {fault} | {place} | {'yes' if good else '**no**'} | {', '.join(sorted(named | wrong))} |"
        )
        print(rows[-1], flush=True)
    text = [
        "# Which wrapper the fault is in",
        "",
        f"Preflight names the faulty layer in {right} of {total} stacks of wrappers (`tests/examination/stacks.py`). A stack counts only if every",
        "finding that names a layer names the right one. Reproduce with `python -m benchmarks.wrapper_search`.",
        "",
        *rows,
        "",
    ]
    (DOCS / "wrapper-search.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
