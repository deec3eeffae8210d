#!/usr/bin/env bash
# Package:   metaworld 3.1.1, gymnasium 1.4.0
# Behaviour: gymnasium.make_vec("Meta-World/custom-mt-envs", seed=0) seeds nothing: a test of `not seed` takes 0 for no seed. Other
#            seeds work, and so does 0 for MT10, whose environments are made by another function.
# Guess:     seed=0 is a seed like any other.
# Seen:      reach-v3 and push-v3 made twice in one process: with seed 1 both hold the same 100 goals, with seed 0 they share none.
# Hurts:     whoever runs seeds 0 to 4: the run of seed 0 trains on other goals each time, and cannot be reproduced.
# Source:    https://github.com/Farama-Foundation/Metaworld/blob/master/metaworld/__init__.py (_custom_mt_vector_entry_point)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q metaworld==3.1.1 gymnasium==1.4.0 packaging==26.3
cd "$here" && "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import pickle

import gymnasium
import metaworld  # registers the environments


def goals(name, seed, **options):
    """Return the goals of all tasks that the environments hold, with the names of their tasks."""
    envs = gymnasium.make_vec(name, vector_strategy="sync", seed=seed, **options)
    held = [task for env in envs.envs for task in env.get_wrapper_attr("tasks")]
    return {(task.env_name, *pickle.loads(task.data)["rand_vec"]) for task in held}


two = {"envs_list": ["reach-v3", "push-v3"]}
for name, options, count in (("custom-mt-envs", two, 100), ("MT10", {}, 500)):
    for seed in (0, 1):
        first, second = (goals(f"Meta-World/{name}", seed, **options) for _ in range(2))
        print(f"{name}, seed {seed}: {len(first)} goals, {len(first & second)} of them again when made a second time")
        again = 0 if (name, seed) == ("custom-mt-envs", 0) else count
        assert (len(first), len(first & second)) == (count, again), "the behaviour has changed"
PY
