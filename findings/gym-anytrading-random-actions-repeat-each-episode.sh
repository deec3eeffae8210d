#!/usr/bin/env bash
# Package:   gym-anytrading 2.0.0, gymnasium 1.4.0
# Behaviour: reset() without a seed seeds the action space of the environment with 0, so that action_space.sample() draws the
#            same actions in each episode, in each process.
# Guess:     a reset without a seed leaves all generators as they are, as Gymnasium asks for; sampled actions differ from
#            episode to episode.
# Seen:      stocks-v0, windows of 10 of its own 60 first prices: the 49 random actions of the first episode are those of the
#            four that follow, with the same total reward, although the action space was seeded otherwise before.
#            TradingEnv.reset seeds it with int(uniform(0, seed)), and 1 stands in for a missing seed: always 0.
# Hurts:     random baselines (five episodes are one, with a spread of 0), and off-policy methods, which fill their buffer by
#            action_space.sample(): the steps before learning starts are one episode again and again.
# Source:    https://github.com/AminHP/gym-anytrading/blob/master/gym_anytrading/envs/trading_env.py
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q gym-anytrading==2.0.0 gymnasium==1.4.0
cd "$here" && "$here/venv/bin/python" -W ignore - <<'PY'
import gymnasium
import gym_anytrading
from gym_anytrading.datasets import STOCKS_GOOGL

env = gymnasium.make("stocks-v0", df=STOCKS_GOOGL, window_size=10, frame_bound=(10, 60))
env.reset(seed=7)
env.action_space.seed(7)
episodes, totals = [], []
for _ in range(5):
    env.reset()
    actions, total, ended = [], 0.0, False
    while not ended:
        actions.append(int(env.action_space.sample()))
        _, reward, terminated, truncated, _ = env.step(actions[-1])
        total += float(reward)
        ended = terminated or truncated
    episodes.append(tuple(actions))
    totals.append(round(total, 6))
print(f"{len(episodes[0])} actions an episode; {len(set(episodes))} different of {len(episodes)}; total rewards {totals}")
assert len(set(episodes)) == 1 and len(set(totals)) == 1 and len(set(episodes[0])) == 2, "the behaviour has changed"

# Of an environment that leaves the action space alone, they differ.
other = gymnasium.make("CartPole-v1")
other.action_space.seed(7)
drawn = []
for _ in range(5):
    other.reset()
    drawn.append(tuple(int(other.action_space.sample()) for _ in range(49)))
print(f"CartPole-v1: {len(set(drawn))} different of {len(drawn)}")
assert len(set(drawn)) == 5
PY
