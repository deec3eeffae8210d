"""Diagnoses with a user's own environment at hand: python -m benchmarks.own_environments [--record|--examine [NAME ...]]

With --record, environments of benchmarks/own_environments/own_envs.py (all, or those named) are trained with plain Stable-Baselines3 for some
20,000 steps each and examined as ``rldoctor diagnose RUN --env own_envs.py:NAME`` does. The curves and what the checks
observed are written to tests/strangers/own.json. About ten seconds of a core for each. With --examine, the environments
alone are examined again, and the trainings stay as they were recorded: about three seconds for each.

Without, every run is diagnosed from its logs alone and with its environment, and docs/own-environments.md is written. A few
seconds. No weight is fitted on these runs; causes of checks, and what they count for, were corrected after looking at them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks import DOCS
from benchmarks.own_environments.table import EVERY, FIFTH, FOURTH, NOT_LEARNED, SECOND, THIRD, Own
from benchmarks.strangers import said, table
from rldoctor.config import DEFAULTS
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.examination.examine import state_environment
from rldoctor.logs import read_run
from rldoctor.model import Curve, Observation, Run, RunDiagnosis, Severity, Statement, Verdict
from rldoctor.model.enums import Aggregation
from rldoctor.model.settings import Place, Settings
from rldoctor.rulebook import load_rulebook
from rldoctor.rulebook.schema import WitnessRule

FILE = Path(__file__).resolve().parents[2] / "tests" / "strangers" / "own.json"
DOCUMENT = DOCS / "own-environments.md"
# Of a number in the file: more digits tell a reader of curves nothing.
_DIGITS = 5
# Of SECOND, THIRD, FOURTH and FIFTH, before any rule was changed for them: right cause first; of the last two also which
# of the healthy ones were left alone.
WHEN_NEW: Mapping[str, tuple[int | str, int | str]] = {
    "SECOND": (16, "-"),
    "THIRD": (15, "-"),
    "FOURTH": (7, 6),
    "FIFTH": ("-", "-"),
}


def returns_vec_env(make: Any) -> bool:
    """Return whether a function makes parallel environments, wrapped as a whole."""
    return getattr(make, "__annotations__", {}).get("return") == "VecEnv"


def train(own: Own, folder: Path) -> None:
    """Train one of them; what it raises ends the training, as it does a user's."""
    # Late: reading needs no PyTorch.
    import torch
    from gymnasium.spaces import Dict
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.logger import configure

    torch.set_num_threads(1)
    make = getattr(import_module(f"benchmarks.{own.file}"), own.name)
    # A function of a vec env returns all of them.
    envs = make() if returns_vec_env(make) else make_vec_env(make, n_envs=own.n_envs, seed=0)
    envs.seed(0)
    kind = "MultiInputPolicy" if isinstance(envs.observation_space, Dict) else "MlpPolicy"
    model = PPO(kind, envs, seed=0, device="cpu", **own.settings)
    model.set_logger(configure(str(folder), ["tensorboard"]))
    model.save(folder / "model.zip")
    try:
        model.learn(own.steps)
    except ValueError as error:
        print(f"{own.name}: {error}")


def as_json(run: Run, statement: Statement) -> dict[str, Any]:
    """Return what is recorded of a run, its settings and its environment."""
    steps: list[list[int]] = []
    curves = {}
    for name, curve in run.curves.items():
        at = curve.steps.tolist()
        if at not in steps:
            steps.append(at)
        values = [float(f"{value:.{_DIGITS}g}") for value in curve.values.tolist()]
        curves[name] = [curve.tag, curve.aggregation.value, steps.index(at), values]
    settings = run.settings.stated() if run.settings else {}
    kept = {"settings": settings, "observed": seen_of(statement), "baseline_return": statement.baseline_return}
    return {**kept, "steps": steps, "curves": curves}


def seen_of(statement: Statement) -> list[list[Any]]:
    """Return what the checks of an environment observed; those that passed are named by their code alone."""
    return [
        [o.code, o.name, o.strength, o.severity.value] if o.direction == "fault" else [o.code]
        for o in statement.observations
    ]


def record(names: list[str]) -> None:
    """Train and examine environments, and write what came of it."""
    known: dict[str, Any] = json.loads(FILE.read_text()) if FILE.is_file() and names else {}
    for own in EVERY:
        if names and own.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            train(own, Path(folder))
            statement = state_environment(f"{Path(__file__).with_name(own.file)}.py:{own.name}", {}, DEFAULTS, 120.0)
            known[own.name] = as_json(read_run(Path(folder)), statement)
        print(own.name, flush=True)
    write(known)


def examine_again(names: list[str]) -> None:
    """Examine environments whose trainings are recorded, and write what the checks observe now."""
    known: dict[str, Any] = json.loads(FILE.read_text())
    for own in EVERY:
        if own.name in known and (not names or own.name in names):
            statement = state_environment(f"{Path(__file__).with_name(own.file)}.py:{own.name}", {}, DEFAULTS, 120.0)
            known[own.name] |= {"observed": seen_of(statement), "baseline_return": statement.baseline_return}
            print(own.name, flush=True)
            write(known)


def write(known: Mapping[str, Any]) -> None:
    """Write the file, a line for each environment."""
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(known[name], separators=(',', ':'))}" for name in sorted(known)
    )
    FILE.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def recorded(own: Own, known: Mapping[str, Any]) -> tuple[Run, Statement]:
    """Return a run and what its environment says."""
    kept, witnesses = known[own.name], load_rulebook().witnesses
    curves = {
        name: Curve(name, np.array(kept["steps"][at], np.int64), np.array(values), tag, Aggregation(how))
        for name, (tag, how, at, values) in kept["curves"].items()
    }
    floor = kept["baseline_return"]
    stated = {key: tuple(value) if isinstance(value, list) else value for key, value in kept["settings"].items()}
    settings = Settings(**stated, places={key: Place("model.zip", key) for key in stated})
    run = Run(own.name, "sb3", curves, algorithm="ppo", baseline_return=floor, settings=settings)
    seen = []
    for code, *fault in kept["observed"]:
        name, strength, severity = fault or ("passed", 1.0, "note")
        rule = witnesses.get(f"{code}-{name}", WitnessRule())
        direction: Literal["fault", "health"] = "fault" if fault else "health"
        causes = rule.supports if fault else rule.contradicts
        seen.append(
            Observation("environment", code, name, strength, direction, causes, "", severity=Severity(severity))
        )
    return run, Statement("environment", own.name, tuple(seen), floor)


def is_right(own: Own, result: RunDiagnosis) -> bool:
    """Return whether the right cause comes first, or a healthy run is left in peace."""
    if not own.causes:
        return result.verdict not in (Verdict.SICK, Verdict.SUSPECT)
    found = result.verdict in (Verdict.SICK, Verdict.SUSPECT)
    return found and bool(result.diagnoses) and result.diagnoses[0].name in own.causes


def diagnosed() -> list[tuple[Own, RunDiagnosis, RunDiagnosis]]:
    """Return every recorded environment with the diagnoses from logs alone and with the environment."""
    known = json.loads(FILE.read_text())
    found = []
    for own in EVERY:
        if own.name in known:
            run, statement = recorded(own, known)
            alone = diagnose_run(replace(run, baseline_return=None))
            found.append((own, alone, diagnose_run(run, statements=[statement])))
    return found


def _when_new(
    of: Mapping[str, list[tuple[Own, RunDiagnosis, RunDiagnosis]]],
    right: Mapping[str, int],
    calm: Mapping[str, list[bool]],
) -> list[str]:
    """Return the table of each file when it was new, and today."""
    lines = [
        "| file | faults | right cause first, new | today | healthy | left alone, new | today |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, items in of.items():
        if not items:
            continue
        new, left = WHEN_NEW[name]
        file = items[0][0].file
        lines.append(
            f"| `{file}.py` | {len(items)} | {new} | {right[name]} | {len(calm[name])} | {left} | {sum(calm[name])} |"
        )
    return lines


def measure() -> None:
    """Diagnose every recorded run and write docs/own-environments.md."""
    rows, results = [], diagnosed()
    for own, alone, heard in results:
        right = "-" if own.name in NOT_LEARNED else "yes" if is_right(own, heard) else "**no**"
        rows.append((own.name, ", ".join(own.causes) or "none", said(alone), said(heard), right))
    faults = [item for item in results if item[0].causes]
    healthy = [item for item in results if not item[0].causes and item[0].name not in NOT_LEARNED]
    by_logs, by_both = (sum(is_right(own, pair[place]) for own, *pair in faults) for place in (0, 1))
    found = sum(heard.verdict in (Verdict.SICK, Verdict.SUSPECT) for _, _, heard in faults)
    calm = sum(is_right(own, heard) for own, _, heard in healthy)
    groups = {"SECOND": SECOND, "THIRD": THIRD, "FOURTH": FOURTH, "FIFTH": FIFTH}
    of = {name: [item for item in faults if item[0] in group] for name, group in groups.items()}
    right_of = {name: sum(is_right(own, heard) for own, _, heard in items) for name, items in of.items()}
    calm_of = {
        name: [is_right(own, heard) for own, _, heard in healthy if own in group] for name, group in groups.items()
    }
    text = [
        "# Diagnoses with one's own environment",
        "",
        f"{len(faults)} broken environments and {len(healthy)} healthy ones, each a class or a function in a file of its own (`own_envs.py`,",
        "`own_tasks.py`, `own_worlds.py`, `own_kinds.py` and `own_machinery.py` in `benchmarks/own_environments`), trained for 20,000 to 60,000",
        "steps with plain Stable-Baselines3. No weight was fitted on them, but checks, and what they say about causes, were corrected after",
        "looking at them: fresh faults will do worse. Reproduce with `python -m benchmarks.own_environments`.",
        "",
        f"With the environment at hand (`rldoctor diagnose RUN --env own_envs.py:NAME`), {found} of {len(faults)} are found and the right",
        f"cause comes first in **{by_both}**; from logs alone in {by_logs}. Of the healthy ones, {calm} of {len(healthy)} are neither sick nor suspect.",
        "",
        "How much worse fresh faults do: every file but the first was written, trained and examined before any rule was changed for it.",
        "Then the kinds that were missed were looked at, and checks were added or corrected for them.",
        "",
        *_when_new(of, right_of, calm_of),
        "",
        "The fourth file has kinds of environments that the others lack (cards, stores, pictures, levers, goals with `compute_reward`, one",
        "shot, stacked frames, normalised rewards); the fifth has sound environments with a fault in what is put around them: wrappers, vec",
        "env wrappers, normalisation, limits. Switch is suspect, as by its logs alone.",
        "",
        table(("environment", "right cause", "logs alone", "with the environment", "right?"), rows),
        "",
        "A fault that did not keep the training from learning within its steps counts as missed here where it is called healthy",
        "(CartPoleUnscaled, LanderPixels, ReacherFlees, GridLate, CraneDead); the report of all but ReacherFlees lists what its",
        "environment does wrong all the same. fetch_short lasts five steps, in which a controller that steers straight at the goal",
        "reaches it: its author was wrong. CartPoleCosts and PendulumFlipped reward the opposite of what their author",
        "meant, and nothing in them says so: a cost for every step is that of any task which should end soon. HoverWeak is a task that",
        "no policy solves, and nothing in it says so. Pendulum (-1,130 to -1,030), MountainCar, ReacherDistance, Dot, LakeOneHot and",
        "hopper_normalised have no fault and had not learned yet; they count on neither side.",
        "",
    ]
    DOCUMENT.write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text[7:18]))


def main() -> None:
    """Record, or measure."""
    if sys.argv[1:2] == ["--record"]:
        record(sys.argv[2:])
    elif sys.argv[1:2] == ["--examine"]:
        examine_again(sys.argv[2:])
    else:
        measure()


if __name__ == "__main__":
    main()
