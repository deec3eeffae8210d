"""Diagnoses with a user's own environment at hand: python -m benchmarks.own_environments [--record [NAME ...]]

With --record, environments of benchmarks/own_envs.py (all, or those named) are trained with plain Stable-Baselines3 for some
20,000 steps each and examined as ``rldoctor diagnose RUN --env own_envs.py:NAME`` does. The curves and what the checks
observed are written to tests/strangers/own.json. About ten seconds of a core for each.

Without, every run is diagnosed from its logs alone and with its environment, and docs/own-environments.md is written. A few
seconds. No weight is fitted on these runs; causes of checks, and what they count for, were corrected after looking at them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks import DOCS
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

FILE = Path(__file__).resolve().parents[1] / "tests" / "strangers" / "own.json"
DOCUMENT = DOCS / "own-environments.md"
ENVIRONMENTS = Path(__file__).with_name("own_envs.py")
# Of a number in the file: more digits tell a reader of curves nothing.
_DIGITS = 5

CARTPOLE: Mapping[str, Any] = dict(
    n_steps=32, batch_size=256, gae_lambda=0.8, gamma=0.98, n_epochs=20, learning_rate=1e-3
)
PENDULUM: Mapping[str, Any] = dict(
    n_steps=128, batch_size=128, gae_lambda=0.95, gamma=0.9, n_epochs=10, learning_rate=2e-3
)
MUJOCO: Mapping[str, Any] = dict(n_steps=128, batch_size=128, learning_rate=1e-3)
ACROBOT: Mapping[str, Any] = dict(n_steps=64, batch_size=256, gae_lambda=0.94, n_epochs=6, learning_rate=2e-3)
FETCH: Mapping[str, Any] = dict(
    n_steps=64,
    batch_size=256,
    gamma=0.8,
    gae_lambda=0.9,
    learning_rate=2e-3,
    policy_kwargs={"log_std_init": -0.5},
)
MOUNTAIN: Mapping[str, Any] = dict(
    n_steps=128, batch_size=256, gamma=0.99, learning_rate=1e-3, use_sde=True, policy_kwargs={"log_std_init": 0.5}
)


@dataclass(frozen=True)
class Own:
    """An environment of benchmarks/own_envs.py.

    Attributes:
        name: Of the class or function.
        causes: The diagnoses that are right; none for a healthy one.
        settings: Of PPO.
        n_envs: Parallel environments.
        steps: Of the training.
    """

    name: str
    causes: tuple[str, ...]
    settings: Mapping[str, Any]
    n_envs: int = 8
    steps: int = 20_000


ALL = (
    *(Own(name, (), CARTPOLE) for name in ("CartPole", "CartPoleCentred")),
    *(Own(name, (), PENDULUM, 4) for name in ("Pendulum", "PendulumShifted")),
    Own("Acrobot", (), ACROBOT, steps=30_000),
    Own("MountainCar", (), MOUNTAIN),
    *(Own(name, (), MUJOCO, 4) for name in ("Reacher", "ReacherDistance", "InvertedPendulum")),
    Own("fetch_reach", (), FETCH),
    Own("CartPoleNoReward", ("reward-uninformative",), CARTPOLE),
    Own("CartPoleDeaf", ("actions-without-effect",), CARTPOLE),
    Own("CartPoleShuffled", ("observations-uninformative",), CARTPOLE),
    Own("CartPoleCosts", ("reward-misaligned",), CARTPOLE),
    Own("CartPoleNan", ("non-finite-values",), CARTPOLE),
    Own("CartPoleTired", ("environment-misconfigured",), CARTPOLE),
    Own("CartPoleFrozen", ("observations-uninformative",), CARTPOLE),
    Own("CartPoleUnscaled", ("observations-unscaled",), CARTPOLE),
    Own("PendulumFlipped", ("reward-misaligned",), PENDULUM, 4),
    Own("PendulumLoud", ("reward-scale-too-large",), PENDULUM, 4),
    Own("PendulumFaint", ("reward-scale-too-small",), PENDULUM, 4),
    Own("PendulumNoise", ("reward-uninformative",), PENDULUM, 4),
    Own("PendulumDeaf", ("actions-without-effect",), PENDULUM, 4),
    Own("PendulumErratic", ("actions-without-effect",), PENDULUM, 4),
    Own("PendulumBlind", ("observations-uninformative",), PENDULUM, 4),
    Own("PendulumLateEyes", ("observations-uninformative",), PENDULUM, 4),
    Own("PendulumLateHands", ("actions-without-effect",), PENDULUM, 4),
    Own("PendulumFlat", ("reward-uninformative",), PENDULUM, 4),
    Own("AcrobotTooHigh", ("task-unreachable", "reward-uninformative"), ACROBOT),
    Own("AcrobotHasty", ("environment-misconfigured", "task-unreachable"), ACROBOT),
    Own("AcrobotDeaf", ("actions-without-effect",), ACROBOT),
    Own("MountainCarWeak", ("actions-without-effect", "task-unreachable"), MOUNTAIN),
    Own("ReacherBlind", ("goal-not-observed", "observations-uninformative"), MUJOCO, 4),
    Own("ReacherFlees", ("reward-misaligned",), MUJOCO, 4),
    Own("ReacherWired", ("actions-without-effect",), MUJOCO, 4),
    Own("InvertedPendulumHazy", ("observations-uninformative",), MUJOCO, 4),
    Own("InvertedPendulumOver", ("environment-misconfigured",), MUJOCO, 4),
    Own("fetch_goal_hidden", ("goal-not-observed",), FETCH),
    Own("fetch_negated", ("reward-misaligned",), FETCH),
    Own("fetch_clocked", ("reward-uninformative",), FETCH),
    Own("fetch_never_succeeds", ("success-signal-broken",), FETCH),
    Own("fetch_tiny_goal", ("sparse-reward",), FETCH),
    Own("fetch_juggled", ("actions-without-effect",), FETCH),
    Own("fetch_far_goal", ("task-unreachable",), FETCH),
    Own("fetch_short", ("environment-misconfigured", "task-unreachable"), FETCH),
)


NOT_LEARNED = ("Pendulum", "MountainCar", "ReacherDistance")
"""Without a fault, and yet not learned in so few steps: neither a control nor a fault."""


def train(own: Own, folder: Path) -> None:
    """Train one of them; what it raises ends the training, as it does a user's."""
    # Late: reading needs no PyTorch.
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.logger import configure

    from benchmarks import own_envs

    torch.set_num_threads(1)
    envs = make_vec_env(getattr(own_envs, own.name), n_envs=own.n_envs, seed=0)
    kind = "MultiInputPolicy" if own.name.startswith("fetch") else "MlpPolicy"
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
    # Those that passed are named by their code alone.
    seen = [
        [o.code, o.name, o.strength, o.severity.value] if o.direction == "fault" else [o.code]
        for o in statement.observations
    ]
    settings = run.settings.stated() if run.settings else {}
    kept = {"settings": settings, "observed": seen, "baseline_return": statement.baseline_return}
    return {**kept, "steps": steps, "curves": curves}


def record(names: list[str]) -> None:
    """Train and examine environments, and write what came of it."""
    known: dict[str, Any] = json.loads(FILE.read_text()) if FILE.is_file() and names else {}
    for own in ALL:
        if names and own.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            train(own, Path(folder))
            statement = state_environment(f"{ENVIRONMENTS}:{own.name}", {}, DEFAULTS, 120.0)
            known[own.name] = as_json(read_run(Path(folder)), statement)
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
    for own in ALL:
        if own.name in known:
            run, statement = recorded(own, known)
            alone = diagnose_run(replace(run, baseline_return=None))
            found.append((own, alone, diagnose_run(run, statements=[statement])))
    return found


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
    text = [
        "# Diagnoses with one's own environment",
        "",
        f"{len(faults)} broken environments and {len(healthy)} healthy ones, each a class or a function in a file of its own",
        "(`benchmarks/own_envs.py`), trained for some 20,000 steps with plain Stable-Baselines3. No weight was fitted on them, but",
        "what checks say about causes was corrected after looking at them: fresh faults will do worse. Reproduce with",
        "`python -m benchmarks.own_environments`.",
        "",
        f"With the environment at hand (`rldoctor diagnose RUN --env own_envs.py:NAME`), {found} of {len(faults)} are found and the right",
        f"cause comes first in **{by_both}**; from logs alone in {by_logs}. Of the healthy ones, {calm} of {len(healthy)} are neither sick nor suspect.",
        "",
        table(("environment", "right cause", "logs alone", "with the environment", "right?"), rows),
        "",
        "A fault that did not keep the training from learning within its steps counts as missed here where it is called healthy",
        "(CartPoleUnscaled, ReacherBlind, ReacherFlees). CartPoleCosts and PendulumFlipped reward the opposite of what their author",
        "meant, and nothing in them says so: a cost for every step is that of any task which should end soon. Pendulum (-1,130 to",
        "-1,030), MountainCar and ReacherDistance have no fault and had not learned yet; they count on neither side.",
        "",
    ]
    DOCUMENT.write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text[8:10]))


def main() -> None:
    """Record, or measure."""
    if sys.argv[1:2] == ["--record"]:
        record(sys.argv[2:])
    else:
        measure()


if __name__ == "__main__":
    main()
