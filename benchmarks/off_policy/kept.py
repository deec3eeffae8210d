"""The recorded trainings of the off-policy laboratory: what each logged, and how it truly went."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.corpus import without_doctor
from benchmarks.off_policy.faults import BY_NAME
from rldoctor.diagnosis.live.memory import Memory
from rldoctor.model import Curve, FloatArray, Json, Run
from rldoctor.model.settings import Settings
from rldoctor.settings.in_memory import settings_in_memory

RECORDED = Path(__file__).with_name("trainings.npz")
# Points of a curve that are kept: as many as a judgement looks at.
POINTS = 60
# Bits of a number that are kept: 13 of its 23 behind the point; and half of the last one.
_KEPT, _HALF = 0xFFFFFC00, 0x200
HEALTHY = ("healthy",)
# As in the laboratory of PPO (benchmarks/laboratory/harm.py): half of what good ones gain.
LEARNED = 0.5
# What run.json says of a training that broke off, as Stable-Baselines3 did.
_BROKEN = {
    "status": "failed",
    "error": "ValueError: Expected parameter loc of distribution Normal, but found tensor([[nan]])",
}
# Environment steps a second, of which nothing is to be learned.
_SPEED = 1_000.0


class View(NamedTuple):
    """What of a training is at hand beside what Stable-Baselines3 writes to TensorBoard by itself.

    Attributes:
        doctor: DoctorCallback's metrics.
        evaluated: Evaluations.
        settings: Those of run.json, which also says whether the training broke off.
        counted: The number of updates, which progress.csv has.
    """

    doctor: bool = False
    evaluated: bool = False
    settings: bool = False
    counted: bool = False


@dataclass(frozen=True, eq=False)
class Kept:
    """One training.

    Attributes:
        run: What it logged, DoctorCallback's metrics and evaluations among it.
        label: What is known of it, as :mod:`benchmarks.off_policy.record` writes it.
        harmed: Whether it ended worse than nearly all healthy trainings of its recipe.
        learned: Whether it gained half of what good ones gain, and ended above the line of harm; some without a fault
            do not.
    """

    run: Run
    label: dict[str, Any]
    harmed: bool
    learned: bool = True

    @property
    def fault(self) -> str:
        return str(self.label["fault"])

    @property
    def right(self) -> tuple[str, ...]:
        """The causes that a report may name, best first."""
        return (BY_NAME[self.fault].right or HEALTHY) if self.fault else HEALTHY

    def view(self, at_hand: View) -> Run:
        """Return the run as one view shows it."""
        run = self.run if at_hand.doctor else without_doctor(self.run)
        if at_hand.settings:
            record = _BROKEN if self.label["failed"] else {}
            run = replace(run, settings=settings_of(self.label), record=record)
        hidden = () if at_hand.evaluated else tuple(name for name in run.curves if name.startswith("evaluation_"))
        hidden += () if at_hand.counted else ("n_updates",)
        return replace(run, curves={name: curve for name, curve in run.curves.items() if name not in hidden})


def settings_of(label: dict[str, Any]) -> Settings:
    """Return the settings of a training as a model of Stable-Baselines3 that it saved would state them."""
    knobs, name = label["knobs"], str(label["algorithm"])
    rate: Json = float(knobs["learning_rate"])
    if knobs["learning_rate_linear"]:
        rate = {"schedule": "linear", "start": rate}
    stated: dict[str, Json] = {
        "algorithm": name.lower(),
        "total_timesteps": int(label["steps"]),
        "n_envs": 1,
        "learning_rate": rate,
        "gamma": float(knobs["gamma"]),
        "buffer_size": int(knobs["buffer_size"]),
        "learning_starts": int(knobs["learning_starts"]),
        "train_freq": [int(knobs["update_every"]), "step"],
        "gradient_steps": int(knobs["updates"]),
    }
    if name == "DQN":
        stated |= {
            "target_update_interval": int(knobs["target_interval"]),
            "exploration_fraction": float(knobs["exploration_fraction"]),
            "exploration_final_eps": float(knobs["exploration_final"]),
        }
    else:
        stated["tau"] = float(knobs["tau"])
    if name in ("TD3", "DDPG"):
        stated["action_noise"] = {"std": float(knobs["noise"])}
    if name == "SAC":
        # A tuned temperature that a fault holds still is a fixed one.
        fixed = float(knobs["ent_coef"]) or (0.0 if knobs["temperature_moves"] else float(knobs["temperature_start"]))
        stated["ent_coef"] = fixed or "auto"
    return settings_in_memory("sb3", stated, "model.zip")


def join(parts: Sequence[Path], file: Path) -> int:
    """Write the batches of one or more recordings into one compact file; return how many trainings there are."""
    arrays: dict[str, Any] = {}
    count = 0
    for part in parts:
        with np.load(part) as found:
            for name in found.files:
                number, _, tag = name.partition("|")
                array = found[name]
                if tag != "label":
                    array = _thinned(array, found[f"{number}|rollout|ep_rew_mean"][0])
                arrays[f"{count + int(number)}|{tag}"] = array
            count += sum(name.endswith("|label") for name in found.files)
    labels = [json.loads(str(arrays.pop(f"{i}|label"))) for i in range(count)]
    tags = sorted({name.partition("|")[2] for name in arrays})
    # One array for all curves: thousands of small ones would take more room for their names than for their numbers.
    place, rows = [], []
    for i in range(count):
        for k, tag in enumerate(tags):
            curve = arrays.get(f"{i}|{tag}")
            if curve is not None:
                place.append((i, k, curve.shape[1]))
                rows.append(curve)
    with file.open("wb") as out:
        np.savez_compressed(
            out,
            labels=np.array(json.dumps(labels)),
            tags=np.array(json.dumps([tag.replace("|", "/") for tag in tags])),
            place=np.array(place, np.int32),
            steps=np.concatenate([row[0] for row in rows]).astype(np.int32),
            values=np.concatenate([row[1] for row in rows]).astype(np.float32),
        )
    return count


def _thinned(curve: FloatArray, rows: FloatArray) -> FloatArray:
    """Return a curve at sixty rows of its log, the same ones for each: a middle row more says nothing new."""
    if curve.shape[1] > POINTS:
        kept = rows[np.unique(np.linspace(0, len(rows) - 1, POINTS).round().astype(int))]
        curve = curve[:, np.isin(curve[0], kept) | (np.arange(curve.shape[1]) == 0)]
    # Four digits of a number are enough, and take half the room.
    steps, values = curve.astype(np.float32)
    bits = values.view(np.uint32)
    rounded = np.where(np.isfinite(values), (bits + np.uint32(_HALF)) & np.uint32(_KEPT), bits).astype(np.uint32)
    return np.stack([steps, rounded.view(np.float32)])


@cache
def trainings(file: Path = RECORDED) -> tuple[Kept, ...]:
    """Return the trainings of a file that :func:`join` wrote."""
    with zipfile.ZipFile(file), np.load(file) as found:
        labels, tags = json.loads(str(found["labels"])), json.loads(str(found["tags"]))
        place, steps, values = found["place"], found["steps"], found["values"]
    memories = [Memory("sb3") for _ in labels]
    at = 0
    for training, tag, length in place.tolist():
        for step, value in zip(steps[at : at + length].tolist(), values[at : at + length].tolist(), strict=True):
            memories[training].add(tags[tag], step, value)
        at += length
    runs = [memory.run(f"training-{i}") for i, memory in enumerate(memories)]
    # Without a loss the tags do not say what a run was trained with; those who trained it know.
    algorithms = {"SAC": "sac", "TD3": "td3", "DDPG": "td3", "DQN": "dqn"}
    runs = [
        replace(_as_logged(run, label), algorithm=run.algorithm or algorithms[label["algorithm"]])
        for run, label in zip(runs, labels, strict=True)
    ]
    limits = {
        name: _limit([label for label in labels if label["recipe"] == name]) for name in {x["recipe"] for x in labels}
    }
    return tuple(
        Kept(
            run,
            label,
            _harmed(label, limits[label["recipe"]][0]),
            float(label["late"][0]) >= max(limits[label["recipe"]]),
        )
        for run, label in zip(runs, labels, strict=True)
    )


def _with_speed(run: Run) -> Run:
    """Return a run with time/fps in each row, as Stable-Baselines3 writes it beside the return."""
    returns = run.curves.get("episode_return")
    if returns is None:
        return run
    speed = Curve("throughput", returns.steps, np.full(len(returns), _SPEED), "time/fps")
    return replace(run, curves={**run.curves, "throughput": speed})


def _as_logged(run: Run, label: dict[str, Any]) -> Run:
    """Return a run with what would be in its logs, and without what would not, where it was recorded otherwise."""
    curves = dict(_with_speed(run).curves)
    # Stable-Baselines3 logs no actor_loss where the actor was not updated, which TD3 does every other time.
    actor, critic = curves.get("actor_loss"), curves.get("critic_loss")
    if actor is not None and critic is not None and label["algorithm"] == "TD3":
        fine = critic.steps[np.isfinite(critic.values)]
        known = np.isfinite(actor.values) | ~np.isin(actor.steps, fine)
        curves["actor_loss"] = replace(actor, steps=actor.steps[known], values=actor.values[known])
    # DoctorCallback logs the first reward that is not finite at once.
    after = int(label["knobs"]["reward_nan_after"]) + 1
    if after < label["steps"]:
        measured = curves.get("reward_nonfinite", Curve("reward_nonfinite", np.array([], np.int64), np.array([])))
        before = measured.steps < after
        curves["reward_nonfinite"] = replace(
            measured, steps=np.append(measured.steps[before], after), values=np.append(measured.values[before], 1.0)
        )
    return replace(run, curves=curves)


def _limit(labels: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Return below which true return late in training one with a fault is harmed, and one without has not learned."""
    healthy = np.array([float(label["late"][0]) for label in labels if not label["fault"]])
    if not len(healthy):
        return -np.inf, -np.inf
    begun = float(np.median([label["first"] for label in labels if not label["fault"]]))
    best = float(np.median(healthy))
    gained = best - begun
    # Below nearly all healthy ones, and with a third of their gain missing, so that an unlucky seed is none.
    harmed = min(float(np.quantile(healthy, 0.1)), best - 0.35 * abs(gained))
    return harmed, begun + LEARNED * (float(np.quantile(healthy, 0.9)) - begun)


def _harmed(label: dict[str, Any], limit: float) -> bool:
    return bool(label["fault"]) and (bool(label["failed"]) or not float(label["late"][0]) >= limit)
