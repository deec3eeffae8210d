"""The verdict in one line at the end of every training, whatever the algorithm and however it ends."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium
import pytest
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.logger import configure

from rldoctor.callback.doctor_callback import DoctorCallback

TRAININGS: Mapping[type[Any], tuple[str, int, dict[str, Any]]] = {
    PPO: ("CartPole-v1", 96, {"n_steps": 32, "batch_size": 32, "n_epochs": 1}),
    A2C: ("CartPole-v1", 60, {}),
    SAC: ("Pendulum-v1", 850, {"learning_starts": 2000, "buffer_size": 1000}),
    DQN: ("CartPole-v1", 200, {"learning_starts": 2000, "buffer_size": 1000}),
}


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Return a function that returns the last lines so far, but for those that tests before left behind."""
    gc.collect()
    caplog.clear()
    capsys.readouterr()
    err = []

    def said() -> list[str]:
        err.append(capsys.readouterr().err)
        lines = [record.getMessage() for record in caplog.records] + "".join(err).splitlines()
        return [line for line in lines if line.startswith("rldoctor: ")]

    return said


def model(algorithm: type[Any], env: Any = None) -> tuple[Any, int]:
    name, steps, settings = TRAININGS[algorithm]
    return algorithm("MlpPolicy", env or name, verbose=0, seed=0, device="cpu", **settings), steps


@pytest.mark.parametrize(
    "algorithm",
    [pytest.param(one, marks=() if one in (PPO, DQN) else pytest.mark.slow) for one in TRAININGS],
    ids=lambda item: item.__name__,
)
@pytest.mark.parametrize("folder", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["logs", "no logs"])
def test_every_training_ends_with_the_verdict_in_one_line(
    algorithm: type[Any], folder: bool, tmp_path: Path, said: Any
) -> None:
    trained, steps = model(algorithm)
    if folder:
        trained.set_logger(configure(str(tmp_path), ["csv"]))
    trained.learn(steps, callback=DoctorCallback(), log_interval=1)
    trained.logger.close()
    (line,) = said()
    assert "unjudged" in line or "suspect" in line or "healthy" in line or "sick" in line


def test_one_that_logs_nothing_says_so(said: Any) -> None:
    trained, steps = model(DQN)
    trained.learn(steps, callback=DoctorCallback(warn=False), log_interval=10**6)
    assert said() == ["rldoctor: unjudged. Nothing was logged."]


class Breaks(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Breaks off after some steps."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__(gymnasium.make("CartPole-v1"))
        self._error, self._left = error, 80

    def step(self, action: Any) -> Any:
        self._left -= 1
        if not self._left:
            raise self._error
        return self.env.step(action)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_training_that_breaks_off_says_it_once_nobody_uses_its_callback(
    error: type[BaseException], said: Any
) -> None:
    def train() -> None:
        trained, steps = model(PPO, Breaks(error))
        with pytest.raises(error):
            trained.learn(steps, callback=DoctorCallback())

    train()
    gc.collect()
    (line,) = said()
    assert "after 64 steps" in line


def test_a_second_training_first_says_how_the_one_before_broke_off(said: Any) -> None:
    callback = DoctorCallback()
    for error in (RuntimeError, None):
        trained, steps = model(PPO, Breaks(error) if error else None)
        if error:
            with pytest.raises(error):
                trained.learn(steps, callback=callback)
            assert said() == []
        else:
            trained.learn(steps, callback=callback)
    assert [line.split(" steps")[0].split()[-1] for line in said()] == ["64", "96"]


def test_in_a_notebook_it_is_said_after_the_cell(monkeypatch: pytest.MonkeyPatch, said: Any) -> None:
    waiting: list[Any] = []
    events = SimpleNamespace(register=lambda _, act: waiting.append(act), unregister=lambda _, act: waiting.remove(act))
    shell = SimpleNamespace(events=events)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[arg-type]
    callback = DoctorCallback()
    trained, steps = model(PPO, Breaks(RuntimeError))
    with pytest.raises(RuntimeError):
        trained.learn(steps, callback=callback)
    assert not said() and len(waiting) == 1
    waiting[0]("the cell's result")
    assert len(said()) == 1 and not waiting


def test_it_is_not_said_where_that_was_asked_for(said: Any) -> None:
    trained, steps = model(PPO)
    trained.learn(steps, callback=DoctorCallback(last_line=False))
    assert not said()


@pytest.mark.parametrize("level", [logging.WARNING, pytest.param(logging.DEBUG, marks=pytest.mark.slow)])
def test_a_stopped_training_says_it_as_well(level: int, said: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(level, "rldoctor")
    trained = PPO(
        "MlpPolicy", "CartPole-v1", n_steps=64, batch_size=64, n_epochs=2, learning_rate=1.0, seed=0, device="cpu"
    )
    callback = DoctorCallback("sick", warn=False)
    trained.learn(40 * 64, callback=callback)
    (line,) = said()
    assert callback.stopped and line.startswith("rldoctor: sick after")
