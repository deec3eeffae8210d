"""N trainings of one recipe side by side, each with its own settings and faults, logged as Stable-Baselines3 logs."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.off_policy.knobs import Knobs, Rows
from benchmarks.off_policy.learners import DQN, LEARNERS, Learner
from benchmarks.off_policy.probe import Functions, Model, parts
from benchmarks.off_policy.replay import Replay
from benchmarks.off_policy.tasks import TASKS, Flags, Floats, Task
from rldoctor.callback.off_policy import OffPolicyMeasuring
from rldoctor.callback.q_metrics import QProbe

BATCH, WINDOW, MARKS = 32, 100, 16
EVALUATIONS, EPISODES = 15, 5
Scalars = dict[str, tuple[list[int], list[float]]]


@dataclass(frozen=True)
class Recipe:
    """One algorithm on one task.

    Attributes:
        task: A key of ``TASKS``.
        algorithm: A key of ``LEARNERS``.
        steps: Environment steps.
        log_interval: Episodes between two points of the curves.
        knobs: Its settings.
        her: With HerReplayBuffer.
    """

    task: str
    algorithm: str
    steps: int
    log_interval: int
    knobs: Knobs
    her: bool = False

    @property
    def name(self) -> str:
        return f"{self.task}/{'her_' if self.her else ''}{self.algorithm.lower()}"


@dataclass
class Trained:
    """How one training went.

    Attributes:
        scalars: Tag to steps and values, as TensorBoard would have them.
        episodes: True episodes: the step at which each ended, its return, and its success or NaN.
        evaluated: True mean return and success of the last policy without exploration.
        failed: The policy became NaN, and Stable-Baselines3 would have raised.
    """

    scalars: Scalars = field(default_factory=dict)
    episodes: list[tuple[int, float, float]] = field(default_factory=list)
    evaluated: tuple[float, float] = (np.nan, np.nan)
    failed: bool = False

    def log(self, step: int, values: dict[str, float]) -> None:
        for tag, value in values.items():
            steps, logged = self.scalars.setdefault(tag, ([], []))
            steps.append(step)
            logged.append(value)


class World:
    """A task as the trainings see it, with what is wrong with each environment."""

    def __init__(self, task: Task, knobs: Rows, seed: int) -> None:
        self.task, self._knobs = task, knobs
        self._random = np.random.default_rng(seed)
        self._count = 0

    def seen(self) -> Floats:
        knobs, seen = self._knobs, self.task.seen()
        if knobs.differ("observation_noise"):
            seen = seen + knobs.observation_noise[:, None] * self._random.normal(size=seen.shape)
        if self.task.goal and knobs.differ("goal_hidden"):
            seen[:, self.task.goal : 2 * self.task.goal] *= 1.0 - knobs.goal_hidden[:, None]
        scaled: Floats = seen * knobs.observation_scale[:, None]
        return scaled

    def step(self, actions: Floats) -> tuple[Floats, Floats, Flags, Flags, Floats]:
        """Return the true reward, the one that is given, whether it is over or cut off, and success."""
        knobs, task = self._knobs, self.task
        self._count += 1
        ignored = knobs.actions_ignored > 0
        if task.discrete:
            taken = np.where(ignored[:, None], self._random.integers(0, task.actions, actions.shape), actions)
        else:
            taken = np.clip(actions * knobs.action_gain[:, None], -1, 1) * knobs.action_scale[:, None]
            taken = np.where(ignored[:, None], self._random.uniform(-1, 1, actions.shape), taken)
        reward, over, cut, success = task.step(taken)
        given = reward * knobs.reward_scale + knobs.reward_shift
        random = knobs.reward_random
        given = np.where(random > 0, random * self._random.normal(size=len(given)), given)
        given = np.where(self._count > knobs.reward_nan_after, np.nan, given)
        return reward, given, over, cut, success


def train(recipe: Recipe, knobs: Sequence[Knobs], seed: int) -> list[Trained]:
    """Train once for each row of ``knobs``."""
    return _Batch(recipe, knobs, seed).run()


class _Batch:
    def __init__(self, recipe: Recipe, knobs: Sequence[Knobs], seed: int) -> None:
        self.recipe, self.knobs, self.n = recipe, Rows(knobs), len(knobs)
        self.random = np.random.default_rng(seed)
        make = TASKS[recipe.task]
        self.world = World(make(self.n, seed), self.knobs, seed + 1)
        self.shown = World(make(self.n, seed + 2), self.knobs, seed + 3)
        self.learner: Learner = LEARNERS[recipe.algorithm](self.world.task, self.knobs, seed)
        self.replay = Replay(self.world.task, self.knobs, recipe.steps, seed + 4)
        self.results = [Trained() for _ in knobs]
        self.recent: list[deque[tuple[float, int, float]]] = [deque(maxlen=WINDOW) for _ in knobs]
        self.doctors = [_Doctor(self, row) for row in range(self.n)]
        self.alive = np.ones(self.n, bool)
        self.logged = np.zeros(self.n, np.int64)

    def run(self) -> list[Trained]:
        recipe, task = self.recipe, self.world.task
        total, given_total, count = np.zeros(self.n), np.zeros(self.n), np.zeros(self.n, np.int64)
        seen = self.world.seen()
        with np.errstate(all="ignore"):
            for step in range(1, recipe.steps + 1):
                self._resume(step)
                actions = self._act(seen, step)
                reward, given, over, cut, success = self.world.step(actions)
                after, ended = self.world.seen(), over | cut
                self.replay.add(seen, actions, given, after, over, cut, step)
                total += reward
                given_total += given
                count += 1
                for doctor in self.doctors:
                    doctor.step(step, given, after, ended, cut)
                if ended.any():
                    task.reset(ended)
                    for row in np.flatnonzero(ended & self.alive).tolist():
                        self._ended(
                            row, step, float(total[row]), float(given_total[row]), int(count[row]), float(success[row])
                        )
                    total[ended], given_total[ended], count[ended] = 0.0, 0.0, 0
                    after = np.where(ended[:, None], self.world.seen(), after)
                seen = after
                self._update(step)
                if step % max(1, recipe.steps // EVALUATIONS) == 0:
                    self._evaluate(step)
        for result in self.results:
            if not result.failed:
                result.evaluated = self._last[self.results.index(result)]
        return self.results

    def _rate_at(self, step: int) -> Floats:
        """Return the learning rates: linear ones fall to 0, of a resumed training from where its new end puts them."""
        knobs, steps = self.knobs, self.recipe.steps
        begun = np.where(step > knobs.rate_jumps_at * steps, knobs.rate_jumps_at * steps, 0.0)
        planned = np.where(
            knobs.rate_jumps_at < 1, np.where(begun > 0, steps - begun, knobs.rate_jumps_at * steps), steps
        )
        left = np.clip(1.0 - (step - begun) / planned, 0.0, 1.0)
        rate: Floats = knobs.learning_rate * np.where(knobs.learning_rate_linear > 0, left, 1.0)
        return rate

    def _epsilon(self, step: int) -> Floats:
        knobs = self.knobs
        passed = np.minimum(step / (knobs.exploration_fraction * self.recipe.steps), 1.0)
        found: Floats = knobs.exploration_initial + passed * (knobs.exploration_final - knobs.exploration_initial)
        return found

    def _act(self, seen: Floats, step: int) -> Floats:
        task, knobs = self.world.task, self.knobs
        actions = self.learner.act(seen, explore=True)
        warm = step <= knobs.learning_starts
        if task.discrete:
            warm = warm | (self.random.random(self.n) < self._epsilon(step))
            other = self.random.integers(0, task.actions, (self.n, 1)).astype(np.float64)
        else:
            other = self.random.uniform(-1, 1, actions.shape)
        return np.where(warm[:, None], other, np.nan_to_num(actions))

    def _update(self, step: int) -> None:
        knobs, replay = self.knobs, self.replay
        due = (step % knobs.update_every == 0) & (step > knobs.learning_starts) & self.alive & (replay.held > 0)
        rate = self._rate_at(step)
        if isinstance(self.learner, DQN):
            again = np.flatnonzero(step % knobs.target_interval == 0)
            if len(again):
                self.learner.take_over(again)
        for turn in range(int(knobs.updates[due].max()) if due.any() else 0):
            rows = np.flatnonzero(due & (turn < knobs.updates))
            self.learner.update(rows, replay.sample(rows, BATCH), rate[rows])
        for values in self.learner.logged.values():
            broken = self.alive & due & ~np.isfinite(values)
            if "ent_coef_loss" in self.learner.logged and values is self.learner.logged["ent_coef_loss"]:
                continue
            if values is self.learner.logged.get("actor_loss"):
                broken &= self.learner.updates > 2
            if self.learner.tags[0] != "loss":
                # A normal distribution of NaN is what makes SB3 raise; DQN goes on.
                for row in np.flatnonzero(broken).tolist():
                    if np.isnan(values[row]) and self.recipe.algorithm == "SAC":
                        self.alive[row], self.results[row].failed = False, True

    def _resume(self, step: int) -> None:
        begun = step == (self.knobs.resumed_at * self.recipe.steps).astype(np.int64) + 1
        if begun.any():
            self.replay.forget(begun)

    def _ended(self, row: int, step: int, total: float, given: float, length: int, success: float) -> None:
        result, recent = self.results[row], self.recent[row]
        result.episodes.append((step, total, success))
        recent.append((round(given, 6), length, success))
        if len(result.episodes) % self.recipe.log_interval:
            return
        table = np.array(recent)
        values = {"rollout/ep_rew_mean": float(table[:, 0].mean()), "rollout/ep_len_mean": float(table[:, 1].mean())}
        if np.isfinite(table[:, 2]).any():
            values["rollout/success_rate"] = float(table[:, 2].mean())
        if self.world.task.discrete:
            values["rollout/exploration_rate"] = float(self._epsilon(step)[row])
        # A row without an update since the one before has no train/: the logger forgets what it has written.
        if self.learner.updates[row] > self.logged[row]:
            self.logged[row] = self.learner.updates[row]
            values["train/n_updates"] = float(self.logged[row])
            values["train/learning_rate"] = float(self._rate_at(step)[row])
            values |= {
                f"train/{tag}": float(found[row])
                for tag, found in self.learner.logged.items()
                if not (np.isnan(found[row]) and self._left_out(tag, row))
            }
        values |= {f"doctor/{name}": value for name, value in self.doctors[row].take().items()}
        result.log(step, values)

    def _left_out(self, tag: str, row: int) -> bool:
        """Return whether Stable-Baselines3 would not log a loss that is NaN: one that was not computed."""
        not_updated = tag == "actor_loss" and bool(np.isfinite(self.learner.logged["critic_loss"][row]))
        return tag == "ent_coef_loss" or (self.recipe.algorithm == "TD3" and not_updated)

    def _evaluate(self, step: int) -> None:
        """Play some episodes without exploration in every training, and log them as EvalCallback does."""
        world, n = self.shown, self.n
        world.task.reset(np.ones(n, bool))
        true, given = np.zeros(n), np.zeros(n)
        done, lengths, played = np.zeros((3, n))
        good = np.zeros(n)
        sums = np.zeros((n, 2))
        while (done < EPISODES).any():
            reward, shown, over, cut, success = world.step(np.nan_to_num(self.learner.act(world.seen(), explore=False)))
            true += reward
            given += shown
            played += 1
            ended = over | cut
            counted = ended & (done < EPISODES)
            sums[counted] += np.column_stack([true, given])[counted]
            lengths[counted] += played[counted]
            good[counted] += np.nan_to_num(success[counted])
            done += counted
            world.task.reset(ended)
            true[ended], given[ended], played[ended] = 0.0, 0.0, 0.0
        with_success = self.world.task.goal or self.recipe.task.startswith("lander")
        self._last = [
            (float(sums[row, 0] / EPISODES), float(good[row] / EPISODES) if with_success else np.nan)
            for row in range(n)
        ]
        for row, result in enumerate(self.results):
            if not self.alive[row]:
                continue
            values = {
                "eval/mean_reward": float(sums[row, 1] / EPISODES * self.knobs.evaluation_scale[row]),
                "eval/mean_ep_length": float(lengths[row] / EPISODES),
            }
            if with_success:
                values["eval/success_rate"] = float(good[row] / EPISODES)
            result.log(step, values)


class _Doctor:
    """DoctorCallback's measurements of one training."""

    def __init__(self, batch: _Batch, row: int) -> None:
        self._batch, self._row = batch, row
        self._model = Model(batch.learner, batch.replay, row)
        self._pending: dict[str, float] = {}
        self._finite = True
        probe = QProbe(self._model, Functions(batch.learner, row))
        self._measuring = OffPolicyMeasuring(self._model, batch.recipe.steps, MARKS, 1, self._guard, probe)

    def _guard(self, what: str, act: Any) -> None:
        act()

    def step(self, step: int, given: Floats, after: Floats, ended: Flags, cut: Flags) -> None:
        """See one step; the buffer holds it already, as at the end of a rollout."""
        batch, row = self._batch, self._row
        if not batch.alive[row]:
            return
        model, measuring = self._model, self._measuring
        goal = batch.world.task.goal
        seen = after[row : row + 1].astype(np.float32)
        shown: Any = parts(seen, goal) if goal else seen
        last: Any = {key: value[0] for key, value in shown.items()} if goal else shown[0]
        info = {"TimeLimit.truncated": bool(cut[row]), "terminal_observation": last} if ended[row] else {}
        if self._finite and not np.isfinite(given[row]):
            # As rldoctor/callback/not_finite.py does: the first one is logged at once.
            self._finite = False
            batch.results[row].log(step, {"doctor/reward_nonfinite": 1.0})
        measuring.begin(model.num_timesteps, None)
        model.num_timesteps = step
        measuring.step(
            {
                "new_obs": shown,
                "rewards": given[row : row + 1].astype(np.float32),
                "dones": ended[row : row + 1],
                "infos": [info],
            }
        )
        if measuring.is_due:
            self._pending |= measuring.measure({})

    def take(self) -> dict[str, float]:
        """Return what has been measured since the last point."""
        found, self._pending = self._pending, {}
        return found
