#!/usr/bin/env bash
# Package:   tensorboardX 2.6.5 against torch 2.13.0 (torch.utils.tensorboard)
# Behaviour: tensorboardX replaces each character of a tag other than letters, digits and -/_. by an underscore and takes
#            a leading slash off. torch's writer of the same interface writes the tag as it was given.
# Guess:     torch.utils.tensorboard came out of tensorboardX; swapping the import changes no name in the log.
# Seen:      "Reward / Total reward (mean)" becomes "Reward_/_Total_reward__mean_"; "env:score" becomes "env_score"; "/lead"
#            becomes "lead". Two tags that differ in such a character only become one curve of both.
# Hurts:     whoever reads logs by tag: one program, run where torch is not (JAX agents) or through a tool that brings
#            tensorboardX, logs under other names, and dashboards and scripts find nothing or the mix of two metrics.
# Source:    https://github.com/lanpa/tensorboardX/blob/master/tensorboardX/summary.py
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q tensorboardX==2.6.5 tensorboard==2.21.0 numpy==2.4.6 torch==2.13.0
cd "$here" && "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import tensorboardX
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils import tensorboard

tags = ["Reward / Total reward (mean)", "rollout/ep_rew_mean", "/lead", "env:score", "kl(old,new)", "kl(old;new)"]
read = {}
for module in (tensorboard, tensorboardX):
    writer = module.SummaryWriter(module.__name__)
    for value, tag in enumerate(tags):
        writer.add_scalar(tag, value, 1)
    writer.close()
    log = EventAccumulator(module.__name__)
    log.Reload()
    read[module] = {tag: [event.value for event in log.Scalars(tag)] for tag in log.Tags()["scalars"]}
    print(module.__name__, read[module])
assert list(read[tensorboard]) == tags, "the behaviour has changed"
assert read[tensorboardX]["Reward_/_Total_reward__mean_"] == [0.0], "the behaviour has changed"
assert read[tensorboardX]["kl_old_new_"] == [4.0, 5.0], "the behaviour has changed"
PY
