"""Lines as trainers of language models print them, taken from issues of public repositories; the numbers vary."""

from __future__ import annotations

from tests.logs.printed.texts import points, read

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
