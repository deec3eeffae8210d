"""Lines as libraries print them, taken from issues and documents of public repositories; the numbers vary."""

from __future__ import annotations

from pathlib import Path

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import Run, Verdict


def read(place: Path, *lines: str) -> Run:
    file = place / "train.log"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_run(file)


def points(run: Run, metric: str = "episode_return") -> list[tuple[int, float]]:
    curve = run.curves[metric]
    return list(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))


# verl-project/verl, issue 7412, with fewer names.
VERL = (
    "(TaskRunner pid=222265) step:{i} - global_seqlen/min:419336 - actor/entropy:0.22266578674316406 - "
    "perf/mfu/actor_infer:0.0 - actor/pg_clipfrac:0.0007935191160472839 - actor/ppo_kl:-8.163164312320433e-06 - "
    "actor/pg_loss:0.042396901015308686 - actor/kl_loss:0.0013280365410537343 - actor/grad_norm:0.129638671875 - "
    "actor/lr:2e-06 - training/global_step:{i} - critic/score/mean:{r} - critic/score/max:1.0 - "
    "critic/rewards/mean:{r} - critic/advantages/mean:-0.0423407182097435 - critic/returns/mean:-0.0423407182097435 - "
    "response_length/mean:1267.024169921875 - response_length/clip_ratio:0.02 - timing_s/gen:31.2"
)


def test_verl(tmp_path):
    run = read(tmp_path, "(TaskRunner pid=222265) {'actor': {'optim': {'lr': 1e-06}}}", *map(verl, range(1, 6)))
    assert (run.framework, run.algorithm, run.step_axis) == ("verl", "grpo", "updates")
    assert points(run) == [(i, i / 10) for i in range(1, 6)]
    assert run.curves["token_kl"].values[0] == 0.0013280365410537343
    assert run.curves["answers_cut"].values[0] == 0.02
    assert not run.unknown_tags
    # Without a penalty the reward is the score.
    assert "shaped_return" not in run.curves


def verl(i: int) -> str:
    return VERL.format(i=i, r=i / 10)


def test_verl_with_a_critic_and_three_digits(tmp_path):
    """TinyZero's log: ANSI colours, answers of the model between, and a learning rate that is rounded to zero."""
    lines = []
    for i in range(1, 13):
        lines += ["(main_task pid=19799) (4 + 2)/2 = 6 / 2 = 3", "(main_task pid=19799) No equation found"]
        lines.append(
            f"\x1b[36m(main_task pid=19799)\x1b[0m step:{i} - critic/vf_loss:{24 / i:.3f} - critic/lr:0.000 - "
            f"actor/entropy_loss:1.213 - actor/pg_loss:0.018 - actor/lr:0.000 - critic/score/mean:{0.025 * i:.3f} - "
            "critic/rewards/mean:0.025 - critic/vf_explained_var:-4866.827 - response_length/mean:180.938"
        )
    run = read(tmp_path, *lines)
    assert (run.framework, run.algorithm) == ("verl", "ppo")
    assert run.curves["value_loss"].values[:2].tolist() == [24, 12]
    assert not {"learning_rate", "model_learning_rate"} & run.curves.keys()


def test_verl_in_a_page_and_with_numpy_2(tmp_path):
    lines = []
    for i in range(4):
        lines += [f"    step:{i} - timing/gen:21.470 - actor/reward_kl_penalty:0.000 - timing/adv:0.109 "]
        lines += ["    - critic/vf_loss:14.947 - critic/lr(1e-4):0.100 - actor/entropy_loss:0.433 "]
        lines += [f"    - actor/lr:1e-06 - critic/score/mean:np.float64(0.{i}04) - critic/score/max:1.000"]
    run = read(tmp_path, *lines)
    assert points(run) == [(0, 0.004), (1, 0.104), (2, 0.204), (3, 0.304)]
    # Rates that are usual for language models are none of PPO's.
    assert run.curves["model_learning_rate"].values[0] == 1e-6
    assert "learning_rate" not in run.curves


def test_verl_in_other_orders(tmp_path):
    first = "training/global_step:{i} - critic/score/mean:{r} - timing_s/step:36.0 - probe/valid:1"
    run = read(tmp_path, *(first.format(i=i, r=i / 10) for i in range(1, 6)))
    assert points(run) == [(i, i / 10) for i in range(1, 6)]
    broken = "step:{i} - actor/entropy:0.76 - critic/score/mean:{r} - critic/score/max:0.40\n"
    broken += "         - rollout_corr/training_ppl:2.06 - actor/grad_norm:2.22\n         - response_length/mean:303.0"
    run = read(tmp_path, *(broken.format(i=i, r=i / 10) for i in range(1, 6)))
    assert run.curves["answer_length"].steps.tolist() == [1, 2, 3, 4, 5]


def test_openrlhf(tmp_path):
    status = (
        "{{'policy_loss': -0.0021, 'actor_lr': 4.9e-07, 'ppo_clip_ratio': 0.0012, 'ppo_kl': 0.0003, 'reward': {r}, "
    )
    status += "'response_length': 512.25, 'total_length': 690.5, 'kl': 0.01, 'group_reward_std': 0.31, 'return': 0.02}}"
    before = "(PPOTrainer pid=3721) INFO 08-11 02:11:09 ppo_trainer.py:412] ✨ Global step "
    run = read(tmp_path, *(f"{before}{i}: {status.format(r=i / 10)}" for i in range(1, 6)), "{'reward': 9, 'kl': 3}")
    assert (run.framework, run.algorithm) == ("openrlhf", "grpo")
    assert points(run) == [(i, i / 10) for i in range(1, 6)]
    # The distance to the reference model is not the size of an update.
    assert run.curves["token_kl"].values[0] == 0.01
    assert "approx_kl" not in run.curves


def test_trl_of_before_its_names(tmp_path):
    """huggingface/open-r1, issue 239, with the progress bar between."""
    row = "{{'loss': 0.0, 'grad_norm': 0.95, 'learning_rate': 5.52e-07, 'rewards/accuracy_reward': 0.2, 'reward': {r}, "
    row += "'reward_std': 0.83, 'completion_length': 849.65625, 'kl': 8.575916290283203e-05, 'epoch': 0.0}}"
    lines = [f"{row.format(r=i / 10)}\n  0%|          | {i}/3000 [01:12<9:10:11, 11.1s/it]\r" for i in range(1, 6)]
    run = read(tmp_path, *lines)
    assert (run.framework, run.algorithm) == ("trl_grpo", "grpo")
    assert run.curves["episode_return"].values.tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert run.curves["answer_length"].values[0] == 849.65625


def test_trl_ppo_keeps_its_tags(tmp_path):
    row = "{{'eps': 1, 'objective/kl': 10.5, 'objective/non_score_reward': -0.5, 'objective/rlhf_reward': 1.1, "
    row += "'objective/scores': {r}, 'policy/approxkl_avg': 0.0023, 'policy/clipfrac_avg': 0.006, "
    row += "'loss/value_avg': 0.15, 'val/ratio': 0.96, 'lr': 2.06e-06, 'episode': {e}, 'epoch': 0.91}}"
    run = read(tmp_path, *(row.format(r=i / 10, e=16 * i) for i in range(1, 6)))
    assert run.framework == "trl"
    assert points(run) == [(16 * i, i / 10) for i in range(1, 6)]
    # Episodes a second are no exploration.
    assert "exploration_rate" not in run.curves
    assert {"model_learning_rate", "kl_penalty", "reference_kl"} <= run.curves.keys()


# ray-project/ray 1.x, as in a log of DeepCoMP; lists of episodes are items of YAML.
RESULT = """Result for PPO_MobileEnv_{name}:
  custom_metrics: {{}}
  date: 2022-04-25_09-27-25
  episode_len_mean: 100.0
  episode_reward_max: 99.0
  episode_reward_mean: {r}
  hist_stats:
    episode_reward:
    - 15.0
    - 16.0
  info:
    learner:
      ue:
        learner_stats:
          cur_lr: 4.999999873689376e-05
          entropy: 0.66
          kl: 0.0127845896780490875
          vf_explained_var: 0.5
          vf_loss: 8.89241886138916
    num_steps_sampled: {s}
  node_ip: 10.0.3.106
  timesteps_total: {s}
  training_iteration: {i}
  trial_id: af4f5_00000

"""
STATUS = """== Status ==
Memory usage on this node: 3.9/7.6 GiB
Number of trials: 2/2 (2 RUNNING)
+-------------------+----------+------------------+--------+------------------+------+----------+
| Trial name        | status   | loc              |   iter |   total time (s) |   ts |   reward |
|-------------------+----------+------------------+--------+------------------+------+----------|
| PPO_CartPole_a    | RUNNING  | 10.0.3.106:10454 |    {i:3d} |          43.3781 | {s} | {r:8.4f} |
| PPO_CartPole_b    | PENDING  |                  |        |                  |      |          |
+-------------------+----------+------------------+--------+------------------+------+----------+
"""
BOX = """
Trial PPO_CartPole-v1_{name} finished iteration {i} at 2024-09-24 14:59:16. Total running time: 5s
╭────────────────────────────────────────────────────────────────────────╮
│ Trial PPO_CartPole-v1_{name} result                                    │
├────────────────────────────────────────────────────────────────────────┤
│ env_runners/episode_len_mean                                   20.3333 │
│ env_runners/episode_return_mean                                {r:7.4f} │
│ num_env_steps_sampled_lifetime                                 {s} │
╰────────────────────────────────────────────────────────────────────────╯
"""
NEW = """
Trial status: 2 RUNNING
╭──────────────────────────────────────────────────────────────────────────────────────────────╮
│ Trial name                     status       iter     total time (s)       ts          reward │
├──────────────────────────────────────────────────────────────────────────────────────────────┤
│ APPO_CartPole-v1_29116_00000   RUNNING      {i:4d}            30.3035    {s}    {r:10.4f} │
│ APPO_CartPole-v1_29116_00001   RUNNING      {i:4d}            10.1083    {s}       25.9221 │
╰──────────────────────────────────────────────────────────────────────────────────────────────╯
"""


@pytest.mark.parametrize("text", [RESULT, STATUS, BOX, NEW], ids=["yaml", "status", "box", "new"])
def test_rllib(tmp_path, text):
    run = read(tmp_path, *(text.format(i=i, s=4000 * i, r=20.5 * i, name="a") for i in range(1, 6)))
    assert (run.framework, run.step_axis) == ("rllib", "env_steps")
    assert points(run) == [(4000 * i, 20.5 * i) for i in range(1, 6)]
    if text is RESULT:
        assert run.algorithm == "ppo"
        assert run.curves["approx_kl"].values[0] == 0.0127845896780490875
        assert run.curves["explained_variance"].values[0] == 0.5


def test_rllib_that_somebody_printed(tmp_path):
    """ray-project/ray, issue 3908: pretty_print, Ray 0.6."""
    block = "custom_metrics: {{}}\ndate: 2019-01-31_21-56-10\nepisode_len_mean: 26.19\nepisode_reward_mean: {r}\n"
    block += (
        "info:\n  default:\n    cur_lr: 4.99e-05\n    kl: 0.0194\n    vf_loss: 15966464.0\n  grad_time_ms: 2551.39\n"
    )
    block += "timesteps_total: {s}\ntraining_iteration: {i}\n\n"
    run = read(tmp_path, *(block.format(r=-9299.5 + i, s=4000 * i, i=i) for i in range(1, 6)))
    assert points(run)[0] == (4000, -9298.5)
    assert run.curves["approx_kl"].values[0] == 0.0194
    assert run.algorithm == "ppo"


def test_results_of_rllib_in_words_of_ones_own(tmp_path):
    block = "training_iteration: {i}\ndate:  2019-01-31_21-56-10\nepisode_len_mean: 26.193103\n"
    block += "episode_reward_min: -11999.000000\nepisode_reward_mean: {r:f}\nepisode_reward_max: -556.000000\n\n\n"
    run = read(tmp_path, *(block.format(i=i, r=-9000 + i) for i in range(1, 6)))
    assert (run.framework, run.step_axis) == ("rllib", "iterations")
    assert points(run) == [(i, -9000.0 + i) for i in range(1, 6)]
    line = "iteration [{i}] => episode_reward_mean: {r}, episode_len_mean: {r}, "
    run = read(tmp_path, *(line.format(i=i, r=20.5 * i) for i in range(1, 6)))
    assert run.curves["episode_return"].values.tolist() == [20.5 * i for i in range(1, 6)]


@pytest.mark.parametrize("text", [RESULT, BOX, NEW], ids=["yaml", "box", "new"])
def test_of_several_trials_one_is_read(tmp_path, text):
    lines = [
        text.format(i=i, s=4000 * i, r=r * i, name=name) for i in range(1, 6) for name, r in (("a", 2.0), ("b", 3.0))
    ]
    run = read(tmp_path, *lines)
    said = [finding.message for finding in run.findings if finding.code == "LOG108"]
    assert len(said) == 1
    assert "2 trainings or processes" in said[0]
    if text is not NEW:
        assert points(run) == [(4000 * i, 2.0 * i) for i in range(1, 6)]


def test_ray_train_is_no_rllib(tmp_path):
    box = "╭────────────────────────────╮\n│ Training result            │\n├────────────────────────────┤\n"
    box += "│ time_total_s        24.684 │\n│ training_iteration  {i:6d} │\n│ loss               0.51455 │\n"
    box += "╰────────────────────────────╯\n"
    run = read(tmp_path, *(box.format(i=i) for i in range(1, 20)))
    assert not run.curves
    assert diagnose_run(run).verdict is Verdict.UNJUDGED


FPS = "fps step: 261574 fps step and policy inference: 230705 fps total: 181660 epoch: {i}/500 frames: {f}"


def test_rl_games_prints_the_best_return_alone(tmp_path):
    """OmniIsaacGymEnvs: what only rises says nothing of a fall, and is not taken for the return."""
    lines = []
    for i in range(1, 31):
        lines += [FPS.format(i=i, f=65536 * (i - 1)), f"saving next best rewards:  [{5771.39 + i}]"]
        lines += ["=> saving checkpoint '/home/midea/hyw/code/OmniIsaacGymEnvs/omniisaacgymenvs/runs/Ant/nn/Ant.pth'"]
    run = read(tmp_path, *lines)
    assert run.framework == "rl_games"
    assert "episode_return" not in run.curves
    assert "LOG109" in {finding.code for finding in run.findings}
    assert run.curves["throughput"].steps.tolist()[:2] == [0, 65536]
    said = diagnose_run(run)
    assert said.verdict is Verdict.UNJUDGED
    assert said.diagnoses[0].remedy.startswith("Name the folder")


@pytest.mark.parametrize(
    "name", ["last_Ant_ep_{i}_rew_{r}.pth", "last_Ant_ep_{i}_rew__{r}_.pth", "last_Antep={i}rew=[{r}].pth"]
)
def test_rl_games_saves_the_return_in_names(tmp_path, name):
    lines = []
    for i in range(10, 60, 10):
        lines += [FPS.format(i=i, f=65536 * (i - 1)), "saving next best rewards:  [9000.0]"]
        lines += [f"=> saving checkpoint 'runs/Ant/nn/{name.format(i=i, r=100.5 * i)}'"]
    run = read(tmp_path, *lines)
    assert points(run) == [(65536 * (i - 1), 100.5 * i) for i in range(10, 60, 10)]
    assert "LOG109" not in {finding.code for finding in run.findings}


def test_rl_games_without_frames_counts_epochs(tmp_path):
    line = "fps step: 398 fps total: 369 epoch: {i}/1000 mean reward: {r} mean lengths: 9.0"
    run = read(tmp_path, *(line.format(i=i, r=i / 2) for i in range(1, 101)))
    assert run.step_axis == "iterations"
    assert run.curves["episode_length"].values[0] == 9
    assert diagnose_run(run).summary.endswith("The run is unfinished: 10% of 1,000 iterations.")


def test_tianshou_with_its_losses(tmp_path):
    """thu-ml/tianshou, issue 449."""
    line = "Epoch #{i}: 50001it [00:40, 1244.54it/s, env_step={s}, len=200, loss=-0.562, loss/clip=-0.584, "
    line += "loss/ent=0.468, loss/vf=0.044, n/ep=7, n/st=2000, rew={r:.2f}]\n"
    line += "Epoch #{i}: test_reward: {r:.6f} ± 0.000000, best_reward: 200.000000 ± 0.000000 in #1"
    run = read(tmp_path, *(line.format(i=i, s=50000 * i, r=20 * i) for i in range(1, 6)))
    assert points(run, "evaluation_return") == [(50000 * i, 20.0 * i) for i in range(1, 6)]
    found = {name: run.curves[name].values[0] for name in ("entropy", "value_loss", "policy_loss", "loss")}
    assert found == {"entropy": 0.468, "value_loss": 0.044, "policy_loss": -0.584, "loss": -0.562}


def test_dopamine(tmp_path):
    lines = []
    for i in range(5):
        lines += [f"I0908 17:19:39.618797 1803949 run_experiment.py:446] Starting iteration {i}"]
        lines += [f"Steps executed: {n} Episode length: 200 Return: -200.0\r" for n in (200, 400)]
        lines += [f"I0908 17:19:40 180 run.py:405] Average undiscounted return per training episode: {-168.5 + i}"]
        lines += [f"I0908 17:19:45 180 run.py:427] Average undiscounted return per evaluation episode: {i}.5"]
    run = read(tmp_path, *lines)
    assert (run.framework, run.step_axis) == ("dopamine", "iterations")
    assert points(run) == [(i, -168.5 + i) for i in range(5)]
    assert points(run, "evaluation_return") == [(i, i + 0.5) for i in range(5)]


def test_acme(tmp_path):
    before = "I0706 16:26:12.100667 139610159986432 terminal.py:91] "
    lines = []
    for i in range(1, 6):
        lines += [f"{before}[Actor] Actor Episodes = 8 | Actor Steps = {300 * i} | Episode Return = -{i}.5"]
        lines += [f"{before}[Evaluator] Episode Length = 300 | Episode Return = {i}.25 | Evaluator Steps = 120000"]
        lines += [f"{before}[Learner] Critic Loss = 36.8 | Learner Steps = {i} | Policy Loss = 0.3"]
    run = read(tmp_path, *lines)
    assert points(run) == [(300 * i, -(i + 0.5)) for i in range(1, 6)]
    assert points(run, "evaluation_return") == [(300 * i, i + 0.25) for i in range(1, 6)]
    assert run.curves["critic_loss"].values[0] == 36.8


def test_lerobot_is_judged_by_its_evaluations(tmp_path):
    train = "INFO 2024-06-23 17:14:09 step:{i}K smpl:8K ep:20 epch:20.02 loss:0.053 grdn:10.005"
    evaluated = "INFO 2024-06-23 17:20:39 step:{i}K smpl:8K ep:20 epch:20.02 ∑rwrd:{r:.3f} success:{p:.1f}%"
    lines = [line for i in range(1, 9) for line in (train.format(i=i), evaluated.format(i=i, r=14.88 * i, p=10 * i))]
    run = read(tmp_path, *lines)
    assert points(run, "evaluation_return")[-1] == (8000, pytest.approx(119.04))
    assert run.curves["evaluation_success_rate"].values[-1] == pytest.approx(0.8)
    # Losses and learning rates of imitation are none of reinforcement learning.
    assert set(run.curves) == {"evaluation_return", "evaluation_success_rate"}
    alone = read(tmp_path, *(train.format(i=i) for i in range(1, 40)))
    assert diagnose_run(alone).verdict is Verdict.UNJUDGED


def test_playground(tmp_path):
    lines = ["PPO Training Parameters:", "num_timesteps: 60000000"]
    lines += [f"{4915200 * i}: reward={1.25 + i:.3f}" for i in range(6)]
    run = read(tmp_path, *lines, "Done training.", "Time to JIT compile: 64.1", "Time to train: 512.2")
    assert (run.framework, run.step_axis) == ("brax", "env_steps")
    assert points(run, "evaluation_return") == [(4915200 * i, 1.25 + i) for i in range(6)]


def test_the_logger_of_drqv2_and_of_sac_ae(tmp_path):
    line = "| \x1b[33mtrain\x1b[0m | F: {f} | S: {s} | E: 1 | L: 1000 | R: {r:.4f} | FPS: 95.1 | T: 0:00:07"
    run = read(
        tmp_path,
        *(line.format(f=2000 * i, s=1000 * i, r=i) for i in range(1, 6)),
        "| \x1b[32meval\x1b[0m  | F: 10000 | S: 5000 | E: 5 | L: 1000 | R: 9.0000 | T: 0:01:00",
    )
    assert (run.framework, points(run)[0]) == ("drqv2", (2000, 1.0))
    assert points(run, "evaluation_return") == [(10000, 9.0)]
    older = "| train | E: {i} | S: {s} | D: 25.1 s | R: {r:.4f} | BR: 0.5 | A_LOSS: -3.1 | CR_LOSS: 0.2"
    run = read(tmp_path, *(older.format(i=i, s=1000 * i, r=i) for i in range(1, 6)))
    assert points(run) == [(1000 * i, float(i)) for i in range(1, 6)]
