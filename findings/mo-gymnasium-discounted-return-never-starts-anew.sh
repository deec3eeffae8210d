#!/usr/bin/env bash
# Package:   mo-gymnasium 1.3.2, gymnasium 1.4.0
# Behaviour: the vector MORecordEpisodeStatistics sets the return and the length to 0 when an episode is over, but not the
#            discounted return: "dr" sums over all episodes since the last reset of the whole vector.
# Guess:     info["episode"]["dr"] is the discounted return of the episode that has ended, as "r" is its return, and as the
#            wrapper of the same name for a single environment gives it.
# Seen:      Deep Sea Treasure, always down, gamma 0.9: each episode is one step with the reward (0.7, -1). "dr" of the
#            first is (0.7, -1), of the 50th (35, -50); "r" is right all along, and so is "dr" of the single wrapper.
# Hurts:     multi-objective training with sub-environments: the discounted return, which the Pareto front and the
#            hypervolume are made of, rises or falls in a straight line under a policy that does not change.
# Source:    https://github.com/Farama-Foundation/MO-Gymnasium/blob/main/mo_gymnasium/wrappers/vector/wrappers.py
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q mo-gymnasium==1.3.2 gymnasium==1.4.0 numpy==2.4.6
cd "$here" && PYGAME_HIDE_SUPPORT_PROMPT=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import mo_gymnasium
import numpy as np
from mo_gymnasium.wrappers import MORecordEpisodeStatistics as SingleStatistics
from mo_gymnasium.wrappers.vector import MORecordEpisodeStatistics, MOSyncVectorEnv

DOWN, EPISODES = 1, 50


def make():
    return mo_gymnasium.make("deep-sea-treasure-v0")


single = []
env = SingleStatistics(make(), gamma=0.9)
while len(single) < EPISODES:
    env.reset(seed=0)
    single.append(env.step(DOWN)[4]["episode"])
vector = []
envs = MORecordEpisodeStatistics(MOSyncVectorEnv([make]), gamma=0.9)
envs.reset(seed=0)
while len(vector) < EPISODES:
    info = envs.step(np.array([DOWN]))[4]
    if "episode" in info:
        vector.append({key: value[0] for key, value in info["episode"].items()})
for name, episodes in (("single", single), ("vector", vector)):
    assert all(episode["l"] == 1 for episode in episodes), "the behaviour has changed"
    for key in ("r", "dr"):
        print(f"{name}, {key} of episodes 1, 2 and {EPISODES}:", *(np.round(episodes[i][key], 1) for i in (0, 1, -1)))
truth = np.array([0.7, -1.0])
for episodes, key in ((single, "r"), (single, "dr"), (vector, "r")):
    assert all(np.allclose(episode[key], truth) for episode in episodes), "the behaviour has changed"
summed = [number * truth for number in range(1, EPISODES + 1)]
assert np.allclose([episode["dr"] for episode in vector], summed, rtol=1e-4), "the behaviour has changed"
PY
