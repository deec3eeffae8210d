"""Train and judge what signs and weights have not seen: python -m benchmarks.blind train|score SET FOLDER

``train`` writes plain logs of Stable-Baselines3 and, beside each run, ``truth.json`` with what was broken and how episodes
truly went; it skips what is there. Needs minigrid. ``score`` diagnoses them by their logs alone. SET is ``first``, after which
signs were changed, or ``second``, after which none was. docs/blind.md has what came of both.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from benchmarks.blind.sets import SETS, Planned
from benchmarks.environments.train import TrueReturn
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import RunDiagnosis, Verdict

# Part of the healthy runs' gain over a random policy, lost: what is a harm.
_LOST = 0.1
_EPISODES = 100


def train(planned: Planned, folder: Path) -> list[float]:
    """Train into ``folder`` and return the true returns of all episodes."""
    import torch
    from stable_baselines3 import A2C, PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.logger import configure
    from stable_baselines3.common.vec_env import VecNormalize

    torch.set_num_threads(1)
    task, broken = planned.of_task, planned.broken
    returns: list[float] = []
    envs: Any = make_vec_env(lambda: broken.wrap(TrueReturn(task.make(), returns)), task.n_envs, seed=planned.seed)
    settings = {**task.settings, **broken.settings}
    if (task.normalize or broken.frozen_statistics) and broken.normalize:
        envs = VecNormalize(envs, gamma=settings.get("gamma", 0.99), training=not broken.frozen_statistics)
    policy = "MultiInputPolicy" if isinstance(envs.observation_space, gymnasium.spaces.Dict) else "MlpPolicy"
    kind: Any = PPO
    if planned.algorithm == "a2c":
        kind = A2C
        unknown = ("batch_size", "n_epochs", "clip_range")
        settings = {**{k: v for k, v in settings.items() if k not in unknown}, "n_steps": 16}
    model = kind(policy, envs, seed=planned.seed, device="cpu", **settings)
    broken.adjust(model)
    model.set_logger(configure(str(folder), ["csv" if planned.csv else "tensorboard"]))
    model.learn(task.steps, log_interval=max(1, task.steps // (model.n_steps * task.n_envs) // 60))
    envs.close()
    return returns


def random_return(planned: Planned) -> float:
    returns: list[float] = []
    env = TrueReturn(planned.of_task.make(), returns)
    env.action_space.seed(0)
    env.reset(seed=0)
    while len(returns) < _EPISODES:
        if any(env.step(env.action_space.sample())[2:4]):
            env.reset()
    return float(np.mean(returns))


def train_all(plan: Sequence[Planned], out: Path) -> None:
    for planned in plan:
        folder = out / planned.name
        if (folder / "truth.json").exists():
            continue
        with tempfile.TemporaryDirectory() as place:
            ended = ""
            try:
                returns = train(planned, Path(place))
            except ValueError as error:  # SB3's, where weights are NaN: part of what is judged.
                returns, ended = [float("nan")], str(error).splitlines()[0]
            shutil.copytree(place, folder, dirs_exist_ok=True)
        truth = {
            "fault": planned.fault,
            "words": planned.broken.words,
            "right": list(planned.broken.right),
            "algorithm": planned.algorithm,
            "return": float(np.mean(returns[-_EPISODES:])),
            "random_return": random_return(planned),
            "ended": ended,
        }
        (folder / "truth.json").write_text(json.dumps(truth, indent=2) + "\n")
        print(f"{planned.name}: {truth['random_return']:.4g} at random, {truth['return']:.4g} at the end", flush=True)


def harmed(planned: Planned, plan: Sequence[Planned], out: Path) -> bool:
    """Whether a run ends below all healthy ones of its task, by a tenth of what they gain on a random policy."""
    here = _truth(out, planned)
    ends = [
        _truth(out, p)["return"]
        for p in plan
        if (p.task, p.algorithm, p.fault) == (planned.task, planned.algorithm, "healthy")
    ]
    return bool(here["ended"]) or here["return"] < min(ends) - _LOST * (np.mean(ends) - here["random_return"])


def _truth(out: Path, planned: Planned) -> Any:
    return json.loads((out / planned.name / "truth.json").read_text())


def score(plan: Sequence[Planned], out: Path) -> str:
    """Return a table of what is said of each run, and the sums."""
    rows, sick, healthy, harmless = [], [], [], []
    for planned in plan:
        said = diagnose_run(read_run(out / planned.name))
        right = planned.broken.right
        bad = bool(right) and harmed(planned, plan, out)
        (sick if bad else harmless if right else healthy).append((planned, said))
        truth = _truth(out, planned)
        causes = ", ".join(f"{d.name} {d.probability:.0%}" for d in said.diagnoses[:3])
        hit = _mark(said, right, bad)
        ends = f"{truth['random_return']:.3g} / {truth['return']:.3g}"
        rows.append(
            f"| {planned.name} | {ends} | {'harmful' if bad else 'harmless' if right else ''} | {said.verdict}: {causes} | {hit} |"
        )
    found = [(p, s) for p, s in sick if _found(s)]
    first = sum(s.diagnoses[0].name in p.broken.right for p, s in found if s.diagnoses)
    three = sum(any(d.name in p.broken.right for d in s.diagnoses[:3]) for p, s in found)
    best = sum(s.diagnoses[0].name == p.broken.right[0] for p, s in found if s.diagnoses)
    verdicts = {v: sum(s.verdict is v for _, s in healthy) for v in (Verdict.SICK, Verdict.SUSPECT, Verdict.UNJUDGED)}
    n = len(sick)
    sums = (
        f"{n} harmful: found {len(found)} ({len(found) / n:.0%}), right cause first {first} ({first / n:.0%}), among the first "
        f"three {three} ({three / n:.0%}); the very cause first {best}. {len(healthy)} healthy: "
        f"{', '.join(f'{count} {verdict}' for verdict, count in verdicts.items())}. {len(harmless)} faults that did no harm: "
        f"{sum(s.verdict is Verdict.SICK for _, s in harmless)} sick."
    )
    head = ["| run | return at random / at the end | | diagnosis | |", "|---|---|---|---|---|"]
    return "\n".join([sums, "", *head, *rows])


def _found(said: RunDiagnosis) -> bool:
    return said.verdict in (Verdict.SICK, Verdict.SUSPECT)


def _mark(said: RunDiagnosis, right: Sequence[str], bad: bool) -> str:
    if not bad:
        return "" if said.verdict is Verdict.HEALTHY else "(harmless)" if right else "**not healthy**"
    named = [d.name for d in said.diagnoses]
    if not _found(said):
        return "**missed**"
    return "first" if named[0] in right else "among three" if set(named[:3]) & set(right) else "**wrong**"


def main() -> None:
    what, which, folder = sys.argv[1:]
    plan = SETS[which]
    if what == "train":
        train_all(plan, Path(folder))
    else:
        print(score([p for p in plan if (Path(folder) / p.name / "truth.json").exists()], Path(folder)))


if __name__ == "__main__":
    main()
