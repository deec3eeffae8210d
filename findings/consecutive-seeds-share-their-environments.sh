#!/usr/bin/env bash
# Package:   gymnasium 1.4.0 (vector environments); Stable-Baselines3 2.9.2 and EnvPool 1.2.5 do the same
# Behaviour: reset(seed=s) of a vector environment gives sub-environment i the seed s + i. Runs with seeds 0 and 1 and eight
#            sub-environments therefore have seven sub-environments in common, shifted by one place.
# Guess:     another seed is another sample: runs with seeds 0 to 4 are independent draws of everything random.
# Seen:      CartPole-v1, 8 sub-environments, seeds 0 to 4: 12 distinct first states, not 40. A fixed policy gets the same
#            returns in the shared ones; its mean return has a spread over seeds of 1.2, but 4.4 over 0, 100, 200, 300, 400.
# Hurts:     error bars over seeds and evaluations on "other" seeds: five evaluations agree because they are mostly the
#            same episodes, and an interval over them is too narrow. Space the seeds by at least the number of copies.
# Source:    https://gymnasium.farama.org/api/vector/ (gives the rule, not what it does to runs)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q gymnasium==1.4.0 numpy==2.4.6
"$here/venv/bin/python" -W ignore - <<'PY'
import gymnasium as gym
import numpy as np
from gymnasium.wrappers.vector import RecordEpisodeStatistics


def evaluation(seed):
    """Eight first states, and the returns of their first episodes under a fixed policy."""
    env = RecordEpisodeStatistics(gym.make_vec("CartPole-v1", num_envs=8, vectorization_mode="sync"))
    seen, _ = env.reset(seed=seed)
    first, returns = [tuple(state) for state in seen.tolist()], {}
    while len(returns) < 8:
        seen, _, _, _, info = env.step((seen[:, 2] > 0).astype(int))
        for place in np.flatnonzero(info.get("_episode", np.zeros(8))):
            returns.setdefault(int(place), float(info["episode"]["r"][place]))
    return first, [returns[place] for place in range(8)]


close, far = ([evaluation(seed) for seed in seeds] for seeds in ((0, 1, 2, 3, 4), (0, 100, 200, 300, 400)))
for name, runs in (("seeds 0 to 4", close), ("seeds 0, 100, 200, 300, 400", far)):
    spread = np.std([np.mean(returns) for _, returns in runs])
    print(f"{name}: {len({state for first, _ in runs for state in first})} distinct first states of 40, "
          f"standard deviation of the mean return over seeds {spread:.2f}")
print("returns, seed 0:", close[0][1], "\nreturns, seed 1:", close[1][1])
assert len({state for first, _ in close for state in first}) == 12, "the behaviour has changed"
assert close[0][1][1:] == close[1][1][:-1], "the behaviour has changed"
assert len({state for first, _ in far for state in first}) == 40, "the behaviour has changed"
PY
