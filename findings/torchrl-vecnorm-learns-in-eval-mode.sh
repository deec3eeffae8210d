#!/usr/bin/env bash
# Package:   torchrl 0.14.1, gymnasium 1.4.0
# Behaviour: VecNorm and VecNormV2 go on updating their mean and variance after env.eval(): they never look at the mode. Only freeze()
#            stops them. decay forgets the older data, so that evaluation replaces what training has seen.
# Guess:     "If the transform is in 'eval' mode, the running statistics are not updated" (documentation of VecNorm, of which VecNormV2
#            is "an almost drop-in replacement").
# Seen:      CartPole, 200 steps, then env.eval(): transform.training is False, and 500 steps of another policy move the mean of each
#            observation, with both classes; after freeze() nothing moves.
# Hurts:     evaluation leaks into training: where the policy is evaluated in the environment it trains in, or in one that shares its
#            statistics, inputs shift at each evaluation, results depend on how often one evaluates, and a saved policy does not
#            act as it did.
# Source:    https://docs.pytorch.org/rl/stable/reference/generated/torchrl.envs.transforms.VecNorm.html and
#            torchrl/envs/transforms/_normalization.py, vecnorm.py (the code asks self.frozen, never self.training)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q torchrl==0.14.1 gymnasium==1.4.0 numpy==2.4.6 torch==2.13.0
cd "$here"
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import torch
from tensordict.nn import TensorDictModule
from torchrl.envs import GymEnv, TransformedEnv, VecNorm, VecNormV2

KEY = "observation"
assert "'eval' mode, the running" in VecNorm.__doc__, "the documentation has changed"


def mean(transform):
    if isinstance(transform, VecNormV2):
        return transform.loc[KEY].clone()
    return transform._td[KEY + "_sum"] / transform._td[KEY + "_count"]


# Another policy than that of training, which is random: always to the left.
push_left = TensorDictModule(lambda observation: torch.tensor([1, 0]), in_keys=[KEY], out_keys=["action"])

for transform in (VecNorm(in_keys=[KEY], new_api=False), VecNormV2(in_keys=[KEY])):
    torch.manual_seed(0)
    env = TransformedEnv(GymEnv("CartPole-v1"), transform)
    env.set_seed(0)
    env.rollout(200, break_when_any_done=False)
    env.eval()
    moved = {}
    for name in ("eval", "frozen"):
        before = mean(transform)
        env.rollout(500, push_left, break_when_any_done=False)
        moved[name] = (mean(transform) - before).abs()
        transform.freeze()
    print(f"{type(transform).__name__}, training {transform.training}: the mean moves by up to {moved['eval'].max():.3f};", end=" ")
    print(f"after freeze() by {moved['frozen'].max():.3f}")
    assert not transform.training and moved["eval"].min() > 1e-3 and moved["frozen"].max() == 0, "the behaviour has changed"
PY
