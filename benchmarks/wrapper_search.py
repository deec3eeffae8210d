"""How often the wrapper in which a fault enters is named: python -m benchmarks.wrapper_search

Builds stacks of two to six wrappers with one fault in any layer, of Gymnasium's kind and of vec envs, runs preflight on
each, and writes docs/wrapper-search.md. Two minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from benchmarks import DOCS
from rldoctor.preflight.runner import run_preflight
from tests.examination import stacks, vec_stacks


def cases() -> Iterator[tuple[ModuleType, int, str, int]]:
    """Yield module, depth, fault and place of each stack: every depth with every fault, at places that go round."""
    for module, depths in ((stacks, range(2, 7)), (vec_stacks, range(1, 6))):
        for number, (depth, fault) in enumerate((d, f) for d in depths for f in module.FAULTY):
            yield module, depth, fault, number % depth


def main() -> None:
    """Search in every stack, and write the table."""
    rows = ["| wrappers | fault | layer (0 is innermost) | named | by |", "|---|---|---|---|---|"]
    right = total = 0
    for module, depth, fault, place in cases():
        result = run_preflight(
            f"{module.__file__}:stacked",
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
        f"Preflight names the faulty layer in {right} of {total} stacks of wrappers of environments and of vec envs",
        "(`tests/examination/stacks.py` and `vec_stacks.py`). A stack counts only if every finding that names a layer names the",
        "right one. Reproduce with `python -m benchmarks.wrapper_search`.",
        "",
        *rows,
        "",
    ]
    (DOCS / "wrapper-search.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
