#!/usr/bin/env bash
# Package:   metaworld 3.1.1, gymnasium 1.4.0
# Behaviour: gymnasium.make_vec("Meta-World/ML1-train") makes the environments of the test split: their goals are the test
#            tasks of the benchmark, and episodes end at success, as those of the test split do and those of training do not.
# Guess:     "ML1-train" holds the 50 training tasks of ML1 with the same seed, "ML1-test" the 50 test tasks.
# Seen:      reach-v3, seed 1: of the 50 goals that "ML1-train" holds, none is a training task and 50 are test tasks; the same
#            50 goals as "ML1-test". ML10 and ML45 are not concerned. The two names are registered in a loop, and what they
#            call looks up the split when it is called, after the loop has ended with "test".
# Hurts:     meta-learning on ML1: the agent trains on the tasks that it is tested on, so that the result shows no
#            generalisation, and looks better than it is.
# Source:    https://github.com/Farama-Foundation/Metaworld/blob/master/metaworld/__init__.py
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q metaworld==3.1.1 gymnasium==1.4.0 packaging==26.3
cd "$here" && "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import pickle

import gymnasium
import metaworld

SEED = 1


def goals(tasks):
    return {tuple(pickle.loads(task.data)["rand_vec"]) for task in tasks}


def held(name):
    """Return the goals of all tasks that the environments hold, and whether an episode ends at success."""
    envs = gymnasium.make_vec(name, env_name="reach-v3", seed=SEED, meta_batch_size=2)
    found = set().union(*(goals(env.get_wrapper_attr("tasks")) for env in envs.envs))
    return found, {env.get_wrapper_attr("terminate_on_success") for env in envs.envs}


benchmark = metaworld.ML1("reach-v3", seed=SEED)
training, test = goals(benchmark.train_tasks), goals(benchmark.test_tasks)
assert len(training) == len(test) == 50 and not training & test
for split in ("train", "test"):
    found, ends = held(f"Meta-World/ML1-{split}")
    print(
        f"ML1-{split}: {len(found)} goals, {len(found & training)} training tasks, {len(found & test)} test tasks;",
        f"ends at success: {ends}",
    )
    assert found == test and ends == {True}, "the behaviour has changed"
PY
