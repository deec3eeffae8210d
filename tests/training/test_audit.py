"""The audit: perturbations do what they say, and what is kept is measured against the gain over the baselines."""

from __future__ import annotations

import inspect
import json

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

import rldoctor
from rldoctor.cli.app import run
from rldoctor.gate import judge_run
from rldoctor.model import Severity, Verdict
from rldoctor.recipe import AUDIT_CRITERIA
from rldoctor.sb3.without_dynamo import without_dynamo
from rldoctor.stats import bootstrap_share
from rldoctor.training.audit import perturbations, wrapper_of
from rldoctor.training.perturbations import (
    ActionDelay,
    DroppedSteps,
    JitteredSteps,
    ObservationNoise,
    SpreadRecorder,
)


class Follow(gymnasium.Env):
    """Act as the observation says: 1 for each right action, a new sign each step, 20 steps."""

    def __init__(self, steps=20) -> None:
        self.observation_space = gymnasium.spaces.Box(-1, 1, (2,))
        self.action_space = gymnasium.spaces.Discrete(3)
        self.steps = steps
        self.taken: list[int] = []

    def _observe(self):
        self.wanted = int(self.np_random.integers(1, 3))
        return np.array([1.0 if self.wanted == 2 else -1.0, 0.0], dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.taken = []
        return self._observe(), {}

    def step(self, action):
        self.taken.append(int(action))
        reward = float(action == self.wanted)
        return self._observe(), reward, False, len(self.taken) >= self.steps, {}


class Follower:
    def predict(self, observation, deterministic=True):
        return 2 if observation[0] > 0 else 1


class Still:
    def predict(self, observation, deterministic=True):
        return 0


def played(env, actions):
    env.reset(seed=0)
    return [env.step(action) for action in actions]


def test_a_delay_puts_the_zero_action_first():
    inner = Follow()
    played(ActionDelay(inner, 1), [1, 2, 1])
    assert inner.taken == [0, 1, 2]
    played(ActionDelay(inner, 0), [1, 2, 1])
    assert inner.taken == [1, 2, 1]


def test_a_dropped_action_is_the_one_before():
    inner = Follow(steps=500)
    actions = [1, 2] * 200
    played(DroppedSteps(inner, 0.25), actions)
    lost = [given != taken for given, taken in zip(actions, inner.taken, strict=True)]
    # Of an alternating sequence every lost action shows, but for two lost ones in a row.
    assert 0.1 < np.mean(lost) < 0.3
    first = list(inner.taken)
    played(DroppedSteps(inner, 0.25), actions)
    assert inner.taken == first


def test_a_jittered_step_lasts_two_and_pays_for_both():
    inner = Follow(steps=500)
    results = played(JitteredSteps(inner, 0.5), [1] * 100)
    assert 130 < len(inner.taken) < 170
    assert {result[1] for result in results} == {0.0, 1.0, 2.0}


def test_noise_follows_the_spread_of_each_number():
    recorder = SpreadRecorder()
    played(recorder.wrap(Follow(steps=300)), [1] * 200)
    spread = recorder.spread
    assert spread[""] == pytest.approx([1.0, 0.0], abs=0.05)
    noisy = np.array([one[0] for one in played(ObservationNoise(Follow(steps=500), spread, 0.1), [1] * 300)])
    assert (np.abs(noisy[:, 0]) - 1).std() == pytest.approx(0.1, rel=0.2)
    assert (noisy[:, 1] == 0).all()
    assert noisy.dtype == np.float32


def test_noise_on_pictures_stays_in_a_byte():
    class Picture(Follow):
        def _observe(self):
            super()._observe()
            return self.np_random.integers(0, 256, 4, dtype=np.uint8)

    env = Picture()
    env.observation_space = gymnasium.spaces.Box(0, 255, (4,), np.uint8)
    noisy = [one[0] for one in played(ObservationNoise(env, {"": np.full(4, 500.0)}, 1.0), [0] * 19)]
    assert all(one.dtype == np.uint8 for one in noisy)


def test_what_is_kept_is_a_share_of_the_gain():
    whole, floor = [10.0, 12.0] * 10, [0.0, 2.0] * 10
    half = bootstrap_share([5.0, 7.0] * 10, whole, floor, paired=True)
    assert half.share == pytest.approx(0.5)
    assert half.low <= 0.5 <= half.high
    assert half.high - half.low < 0.2
    assert bootstrap_share(floor, whole, floor, paired=False).share == pytest.approx(0.0)
    assert np.isnan(bootstrap_share(whole, floor, whole, paired=True).share)
    # Other episodes are easier for everybody by 100.
    easier = bootstrap_share(np.add(whole, 100), whole, floor, paired=False, own_floor=np.add(floor, 100))
    assert easier.share == pytest.approx(1.0)
    assert easier.low < 1 < easier.high < 1.5


def test_every_perturbation_has_its_criterion():
    assert {f"kept_{name}" for name in perturbations()} == set(AUDIT_CRITERIA)
    env = Follow()
    names = [type(wrapper_of(name, {})(env)).__name__ for name in perturbations()]
    assert names[:4] == ["ActionDelay", "ObservationNoise", "DroppedSteps", "JitteredSteps"]
    assert set(names[4:]) == {"Follow"}


def test_a_policy_that_needs_every_step_is_told_so():
    report = rldoctor.audit(Follower(), Follow, episodes=10)
    (result,) = report.subjects
    rows = {row.name: row for row in result.perturbations}
    # A policy in Python has no statistics that could be left out.
    assert set(rows) == {"nominal", *perturbations()} - {"unnormalised"}
    assert rows["nominal"].return_mean == 20
    # One in two late actions is right by chance; the random policy, one in three, is the baseline.
    assert rows["action_delay"].kept == pytest.approx(0.21, abs=0.15)
    assert rows["observation_noise"].kept == 1
    assert rows["other_seeds"].kept == pytest.approx(1, abs=0.15)
    assert rows["dropped_steps"].kept == pytest.approx(0.93, abs=0.05)
    assert rows["dropped_steps"].kept_low < rows["dropped_steps"].kept < rows["dropped_steps"].kept_high
    (finding,) = result.findings
    assert (finding.code, finding.severity) == ("EVL601", Severity.WARNING)
    assert report.verdict is Verdict.SUSPECT
    assert report.exit_code == 0
    assert "takes effect one step later" in report.render("md")


def test_a_policy_without_a_gain_is_not_judged():
    report = rldoctor.audit(Still(), Follow, episodes=4)
    assert report.verdict is Verdict.UNJUDGED
    assert report.exit_code == 3
    assert all(row.kept is None for row in report.subjects[0].perturbations)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with an environment and a model that follows, as a user has it."""
    source = f"import gymnasium\nimport numpy as np\n\n\n{inspect.getsource(Follow)}"
    (tmp_path / "my_env.py").write_text(source)
    with without_dynamo():
        model = PPO("MlpPolicy", Follow(), policy_kwargs={"net_arch": [2]}, device="cpu")
    policy = model.policy
    with torch.no_grad():
        for weight in policy.parameters():
            weight.zero_()
        policy.mlp_extractor.policy_net[0].weight[0, 0] = 1.0
        policy.action_net.weight[1:, 0] = torch.tensor([-9.0, 9.0])
    model.save(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_gate_asks_for_what_an_audit_measured(project, capsys):
    env = ["--env", "my_env.py:Follow"]
    assert run(["evaluate", "model.zip", *env, "-n", "10"]) == 0
    unjudged = judge_run(project / "model.zip", ["kept_action_delay=0.1"])
    assert "does not measure kept_action_delay" in unjudged.unjudged[0].reason
    assert unjudged.unjudged[0].how_to_log.startswith("Run rldoctor audit")
    capsys.readouterr()
    assert run(["audit", "model.zip", *env, "-n", "4", "--format", "json"]) == 0
    (subject,) = json.loads(capsys.readouterr().out)["subjects"]
    kept = {row["name"]: row["kept"] for row in subject["perturbations"]}
    stored = json.loads((project / "model.audit.json").read_text())["kept"]
    assert stored["kept_dropped_steps"] == kept["dropped_steps"]
    result = judge_run(project / "model.zip", ["kept_dropped_steps=0.5", "kept_other_seeds=1000"])
    assert {one.name: one.passed for one in result.criteria if one.name.startswith("kept")} == {
        "kept_dropped_steps": True,
        "kept_other_seeds": False,
    }
    assert run(["audit", "model.zip", *env, "--fail-on", "suspect"]) == 1
    assert "gain kept" in capsys.readouterr().out


def test_wrong_usage_is_one_sentence(project, capsys):
    assert run(["audit", "model.zip"]) == 2
    assert run(["audit", "gone.zip", "--env", "my_env.py:Follow"]) == 3
    assert run(["audit", ".", "--env", "my_env.py:Follow"]) == 2
    assert run(["audit", "model.zip", "--env", "Pendulum-v1"]) == 3
    assert "Traceback" not in capsys.readouterr().err
