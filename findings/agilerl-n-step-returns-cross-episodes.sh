#!/usr/bin/env bash
# Package:   agilerl 2.58.0
# Behaviour: MultiStepReplayBuffer looks for the end of an episode in the second and later of its n transitions, not in the first.
#            The transition that ends an episode is stored with rewards of the next episode in its return, with an observation of
#            the next episode as its next one, and as one that does not end. With several environments, the end of one cuts
#            the returns of all others, which are still bootstrapped with gamma to the power of n.
# Guess:     an n-step return stops at the end of its own episode; the last transition of an episode is terminal.
# Seen:      n = 3, gamma 0.5, episodes of 4 steps with a reward of 1 each. The last transition of an episode: return 1.75, next
#            observation from the episode after, not terminal; right is 1, its own last observation, terminal. Of nine none has its
#            last transition stored as terminal. Two environments, of which the second ends after each second step: the
#            returns of the first are 1.75 and 1.5 in turn.
# Hurts:     Rainbow DQN with n-step returns: the value of a lost game is that of the game after it, so that falling costs next to
#            nothing. Returns look as if learning were slow; nothing is said.
# Source:    https://github.com/AgileRL/AgileRL/blob/main/agilerl/components/replay_buffer.py (_get_n_step_info)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q agilerl==2.58.0 peft==0.21.0 gymnasium==1.4.0 torch==2.13.0
cd "$here"
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import torch
from agilerl.components import MultiStepReplayBuffer
from tensordict import TensorDict

STEPS, EPISODES = 4, 10


def transition(observations, ends):
    """One step of each environment: a reward of 1, and the next observation is one more."""
    column = torch.tensor([observations]).T.float()
    parts = {"obs": column, "action": torch.zeros_like(column), "reward": torch.ones_like(column), "next_obs": column + 1}
    return TensorDict(parts | {"done": torch.tensor([ends]).T.float()}, batch_size=[len(observations)])


def stored(buffer):
    """Return what is sampled from: rows of observation, return, next observation and whether that ends the episode."""
    rows = buffer.sample_from_indices(torch.arange(buffer.size))
    return [tuple(row) for row in torch.cat([rows[key] for key in ("obs", "reward", "next_obs", "done")], 1).tolist()]


# Observations of episode k are 100 k to 100 k + 4.
alone = MultiStepReplayBuffer(max_size=1000, n_step=3, gamma=0.5)
for episode in range(EPISODES):
    for step in range(STEPS):
        alone.add(transition([100 * episode + step], [step == STEPS - 1]))
rows = stored(alone)
last = [row for row in rows if row[0] % 100 == STEPS - 1]
print("first episode, as (observation, return, next observation, ends):", *rows[:STEPS])
print(f"last transitions stored as terminal: {sum(row[3] for row in last):.0f} of {len(last)}")
assert rows[:3] == [(0, 1.75, 3, 0), (1, 1.75, 4, 1), (2, 1.5, 4, 1)], "the behaviour has changed"
assert last and all(row[1] == 1.75 and row[2] > row[0] + 90 and row[3] == 0 for row in last), "the behaviour has changed"

# The first environment never ends; the second does after each second step.
both = MultiStepReplayBuffer(max_size=1000, n_step=3, gamma=0.5)
for step in range(20):
    both.add(transition([step, 1000 + step], [False, step % 2 == 1]))
endless = [row[1] for row in stored(both) if row[0] < 1000]
print("returns of an environment that never ends, beside one that does:", *endless[:6])
assert set(endless) == {1.5, 1.75}, "the behaviour has changed"
PY
