#!/usr/bin/env bash
# Package:   ale-py 0.12.1 with gymnasium 1.4.0
# Behaviour: gym.make_vec("ALE/...-v5") takes ale-py's own vector environment, which clips every reward to -1, 0 or 1
#            and preprocesses the frames, unless told otherwise. gym.make of the same id does neither.
# Guess:     make_vec(id, n) is n copies of make(id): same observations, same rewards, so RecordEpisodeStatistics
#            around it tells the game's score.
# Seen:      MsPacman, random play: an episode return of 20 (rewards 0 and 1, frames 4 x 84 x 84), against 190 (rewards 0
#            and 10, frames 210 x 160 x 3) with vectorization_mode="sync". Nothing warns.
# Hurts:     scores reported from such runs are counts of scoring events, not points: ten and more times too small, not
#            comparable with any table, and a factor that differs from game to game.
# Source:    https://github.com/Farama-Foundation/Arcade-Learning-Environment (reward_clipping=True in AtariVectorEnv)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q ale-py==0.12.1 gymnasium==1.4.0 numpy==2.4.6
"$here/venv/bin/python" -W ignore - 2>&1 <<'PY'
import ale_py
import gymnasium as gym
from gymnasium.wrappers.vector import RecordEpisodeStatistics

gym.register_envs(ale_py)
told = {}
for mode in (None, "sync"):
    env = RecordEpisodeStatistics(gym.make_vec("ALE/MsPacman-v5", num_envs=2, vectorization_mode=mode))
    env.reset(seed=0)
    env.action_space.seed(0)
    rewards = set()
    while not env.return_queue:
        rewards |= {float(r) for r in env.step(env.action_space.sample())[1]}
    told[mode] = float(env.return_queue[0])
    print(f"vectorization_mode={mode}: {type(env.unwrapped).__name__}, frames {env.single_observation_space.shape}, "
          f"rewards {sorted(rewards)}, first episode's return {told[mode]}")
    assert (max(rewards) > 1) == (mode == "sync"), "the behaviour has changed"
assert told["sync"] >= 5 * told[None], "the behaviour has changed"
PY
