"""The callback inside SB3's training loop: it reports progress, saves checkpoints and stops cleanly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Literal, Protocol, TypedDict

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.utils import safe_mean

from rldoctor.training.resume_state import ResumeState


class Watcher(Protocol):
    """Something that shows a training while it runs, such as a progress bar."""

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        """Take the steps done so far and the latest numbers (``success_rate``, ``episode_return``, ...)."""


class Silent:
    """A watcher that shows nothing."""

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        """Do nothing."""


class Hooks(TypedDict, total=False):
    """How others take part in a training; options of :func:`rldoctor.training.train.train` and of what calls it.

    Attributes:
        watcher: Notified of progress.
        stop: Once set by another thread, the training ends as by Ctrl-C.
        saved: Called after each checkpoint.
        say: Called before the training with a sentence that the user should know, such as what checkpoints take.
        stop_when: ``sick`` ends a doomed training early (:class:`DoctorCallback`); its status is ``interrupted``.
    """

    watcher: Watcher | None
    stop: threading.Event | None
    saved: Callable[[], None] | None
    say: Callable[[str], None] | None
    stop_when: Literal["never", "sick"]


class TrainingCallback(BaseCallback):
    """Notifies the watcher, saves checkpoints, and ends the training between two updates when asked to stop.

    Args:
        watcher: Notified every ``_REPORT_EVERY`` vector steps.
        capture: Returns what a checkpoint needs besides the weights; called between updates, with the steps that the
            policy has been trained on.
        save: Called between updates with what ``capture`` returned.
        save_every: Environment steps between checkpoints.
        stop: Once it returns ``True``, the current rollout is dropped and training ends with the last whole update.
        every: Rollouts between two points of the curves. A training is saved, and stops when asked to, only where a
            point has just been written: a resumed training then has its points at the same steps.
        lazily: Call ``capture`` only where the training is saved or stops, since rollouts are a step or a few long. It
            then stops only where a rollout begins.
    """

    _REPORT_EVERY = 32

    def __init__(
        self,
        watcher: Watcher,
        capture: Callable[[int], ResumeState],
        save: Callable[[ResumeState], None],
        save_every: int,
        stop: Callable[[], bool],
        every: int = 1,
        lazily: bool = False,
    ) -> None:
        super().__init__()
        self._watcher = watcher
        self._capture = capture
        self._save = save
        self._save_every = save_every
        self._stop = stop
        self._every = every
        self._lazily = lazily
        self._rollouts = 0
        self._may_stop = True
        # After the last whole update; what a rollout in progress has changed since is not in it.
        self.state: ResumeState | None = None
        self._saved_at = 0
        # Steps whose data has been learned from: a rollout in progress does not count.
        self.learned_steps = 0
        self._rollout_whole = False

    def _on_training_start(self) -> None:
        self._saved_at = self.learned_steps = self.model.num_timesteps

    def _on_rollout_start(self) -> None:
        self.learned_steps = self.model.num_timesteps
        self._rollout_whole = False
        at_a_point = self._rollouts % self._every == 0
        self._rollouts += 1
        due = at_a_point and self.learned_steps - self._saved_at >= self._save_every
        self._may_stop = self._stop() if self._lazily else at_a_point
        if due or self._may_stop or not self._lazily:
            self.state = self._capture(self.learned_steps)
        if due and self.state is not None:
            self._save(self.state)
            self._saved_at = self.learned_steps

    def _on_step(self) -> bool:
        if self.n_calls % self._REPORT_EVERY == 0:
            self._watcher.progressed(self.num_timesteps, self.numbers())
        return not (self._may_stop and self._stop())

    def _on_rollout_end(self) -> None:
        # Not called for a rollout that was broken off.
        self._rollout_whole = True

    def _on_training_end(self) -> None:
        if self._rollout_whole:
            self.learned_steps = self.model.num_timesteps
            self.state = self._capture(self.learned_steps)
        self._watcher.progressed(self.num_timesteps, self.numbers())

    def numbers(self) -> dict[str, float]:
        """Return the latest numbers that people watch."""
        numbers: dict[str, float] = {}
        if self.model.ep_success_buffer:
            numbers["success_rate"] = float(safe_mean(list(self.model.ep_success_buffer)))
        if self.model.ep_info_buffer:
            numbers["episode_return"] = float(safe_mean([info["r"] for info in self.model.ep_info_buffer]))
        for key, name in (("train/approx_kl", "approx_kl"), ("train/std", "std")):
            if key in self.logger.name_to_value:
                numbers[name] = float(self.logger.name_to_value[key])
        return numbers
