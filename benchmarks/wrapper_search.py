"""How often the wrapper in which a fault enters is named: python -m benchmarks.wrapper_search

Builds stacks of one to six wrappers with one fault in any layer, of Gymnasium's kind and of vec envs, runs preflight on
each, and writes docs/wrapper-search.md. Three minutes. With names of faults, only prints theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

from benchmarks import DOCS
from rldoctor.preflight.runner import run_preflight
from tests.examination import mixed_stacks, stacks, vec_stacks

# Seconds for a stack, and how many of mixed_stacks.CASES were named when they were new.
BUDGET, WHEN_NEW = 120.0, 0


def cases() -> Iterator[tuple[ModuleType, str, int, str, int]]:
    """Yield module, base, depth, fault and place of each stack: every depth with every fault, at places that go round."""
    for module, depths in ((stacks, range(2, 7)), (vec_stacks, range(1, 6))):
        for number, (depth, fault) in enumerate((d, f) for d in depths for f in module.FAULTY):
            yield module, "", depth, fault, number % depth
    for case in mixed_stacks.CASES:
        yield mixed_stacks, *case


def main() -> None:
    """Search in every stack, and write the table."""
    rows = ["| wrappers | fault | layer (0 is innermost) | named | by |", "|---|---|---|---|---|"]
    right = total = mixed = 0
    chosen = sys.argv[1:]
    for module, base, depth, fault, place in cases():
        if chosen and fault not in chosen:
            continue
        result = run_preflight(
            f"{module.__file__}:stacked",
            select=["ENV"],
            arguments={**({"base": base} if base else {}), "depth": depth, "fault": fault, "place": place},
            # A busy machine is given the time that it needs.
            budget=BUDGET,
        )
        named = {f.code for f in result.findings if f"the fault is in {fault}" in f.message}
        wrong = {f.code for f in result.findings if "the fault is in" in f.message} - named
        good = bool(named) and not wrong
        right, total = right + good, total + 1
        mixed += good and module is mixed_stacks
        rows.append(
            f"| {depth} | {fault}{f' on {base}' if base else ''} | {place} | {'yes' if good else '**no**'} | {', '.join(sorted(named | wrong))} |"
        )
        print(rows[-1], flush=True)
    text = [
        "# Which wrapper the fault is in",
        "",
        f"Preflight names the faulty layer in {right} of {total} stacks of wrappers of environments and of vec envs",
        "(`tests/examination/stacks.py`, `vec_stacks.py` and `mixed_stacks.py`). A stack counts only if every finding that names a",
        f"layer names the right one. Of the {len(mixed_stacks.CASES)} of `mixed_stacks.py`, which were written when the others were named, it is {mixed};",
        f"{WHEN_NEW} before any check was changed for them. Reproduce with `python -m benchmarks.wrapper_search`.",
        "",
        *rows,
        "",
    ]
    if chosen:
        return
    (DOCS / "wrapper-search.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
