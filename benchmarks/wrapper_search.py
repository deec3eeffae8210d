"""How often the wrapper in which a fault enters is named: python -m benchmarks.wrapper_search [FAULT ...]

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

# Seconds for a stack: a busy machine is given the time that it needs.
BUDGET = 120.0


def cases() -> Iterator[tuple[ModuleType, str, int, str, int]]:
    """Yield module, base, depth, fault and place of each stack: every depth with every fault, at places that go round."""
    for module, depths in ((stacks, range(2, 7)), (vec_stacks, range(1, 6))):
        for number, (depth, fault) in enumerate((d, f) for d in depths for f in module.FAULTY):
            yield module, "", depth, fault, number % depth
    for case in mixed_stacks.CASES:
        yield mixed_stacks, *case


HEAD = ["| wrappers | fault | layer (0 is innermost) | named | by |", "|---|---|---|---|---|"]


def row(module: ModuleType, base: str, depth: int, fault: str, place: int) -> tuple[bool, str]:
    """Search in one stack: whether the layer was named, and no other, and the row of the table."""
    result = run_preflight(
        f"{module.__file__}:stacked",
        select=["ENV"],
        arguments={**({"base": base} if base else {}), "depth": depth, "fault": fault, "place": place},
        budget=BUDGET,
    )
    named = {f.code for f in result.findings if f"the fault is in {fault}" in f.message}
    wrong = {f.code for f in result.findings if "the fault is in" in f.message} - named
    good = bool(named) and not wrong
    what = f"{fault} on {base}" if base else fault
    return good, f"| {depth} | {what} | {place} | {'yes' if good else '**no**'} | {', '.join(sorted(named | wrong))} |"


def main() -> None:
    """Search in every stack, and write the tables."""
    chosen = sys.argv[1:]
    tables: dict[bool, list[tuple[bool, str]]] = {False: [], True: []}
    for module, *case in cases():
        if not chosen or case[2] in chosen:
            tables[module is mixed_stacks].append(row(module, *case))
            print(tables[module is mixed_stacks][-1][1], flush=True)
    if chosen:
        return
    (plain, mixed), sums = (
        tables.values(),
        [f"{sum(good for good, _ in rows)} of {len(rows)}" for rows in tables.values()],
    )
    text = [
        "# Which wrapper the fault is in",
        "",
        f"Preflight names the faulty layer in {sums[0]} stacks of wrappers of environments and of vec envs",
        "(`tests/examination/stacks.py` and `vec_stacks.py`), and in "
        f"{sums[1]} of other faults, among wrappers of Gymnasium and",
        "Stable-Baselines3 (`mixed_stacks.py`). A stack counts only if every finding that names a layer names the right one. Reproduce",
        "with `python -m benchmarks.wrapper_search`.",
        "",
        *HEAD,
        *(line for _, line in plain),
        "",
        "Other faults, on other environments:",
        "",
        *HEAD,
        *(line for _, line in mixed),
        "",
    ]
    (DOCS / "wrapper-search.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
