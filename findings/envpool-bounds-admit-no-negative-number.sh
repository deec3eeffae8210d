#!/usr/bin/env bash
# Package:   envpool 1.2.5, gymnasium 1.4.0
# Behaviour: where EnvPool does not set bounds of floating-point observations, it declares them as C++'s numeric_limits::min() to
#            max(). min() is the smallest positive number, not the most negative one, so that the space reads
#            Box(1.2e-38, 3.4e38): no zero, no negative number, and finite.
# Guess:     the space of the environment that it is a copy of: LunarLander's own bounds, minus to plus infinity for dm_control.
# Seen:      LunarLander-v3 (Gymnasium's own bounds are -10 to 10 and less), BipedalWalker-v3, CheetahRun-v1: all observations of
#            600 steps of 4 environments are outside the space. Scaled to [-1, 1] by its bounds, each number becomes exactly -1;
#            clipped to them, each negative one becomes 0. The bounds are the same in the dm_env interface (a BoundedArray).
# Hurts:     whatever reads bounds: scaling and clipping by them wipe out the observation without a word, since they are finite;
#            checks that an observation is within its space accuse the simulation. Of the environments of dm_control, Box2D and
#            others, 268 entries of observation have such bounds.
# Source:    https://github.com/sail-sg/envpool (envpool/core/spec.h: bounds of Spec)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q envpool==1.2.5 gymnasium==1.4.0 numpy==2.4.6 box2d==2.3.10 pygame==2.6.1
cd "$here" && PYGAME_HIDE_SUPPORT_PROMPT=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import envpool
import gymnasium as gym
import numpy as np

COPIES, STEPS = 4, 600


def leaves(space, values):
    """Yield each box of a space with the values that belong to it."""
    if isinstance(space, gym.spaces.Dict):
        for key, part in space.spaces.items():
            yield from leaves(part, values[key] if isinstance(values, dict) else getattr(values, key))
    else:
        yield space, np.asarray(values, float)


print("Gymnasium's LunarLander-v3:", gym.make("LunarLander-v3").observation_space.low.min(), "to", end=" ")
print(gym.make("LunarLander-v3").observation_space.high.max())
for name in ("LunarLander-v3", "BipedalWalker-v3", "CheetahRun-v1"):
    envs = envpool.make_gymnasium(name, num_envs=COPIES, seed=0)
    random = np.random.default_rng(0)
    space, actions = envs.observation_space, envs.action_space
    outside, scaled, negative, lows = 0, set(), 0, set()
    observations, _ = envs.reset()
    for _ in range(STEPS):
        inside = np.ones(COPIES, bool)
        for box, values in leaves(space, observations):
            lows.add(float(box.low.min()))
            inside &= ((values >= box.low) & (values <= box.high)).reshape(COPIES, -1).all(1)
            share = (values - box.low.astype(float)) / (box.high.astype(float) - box.low.astype(float))
            scaled |= set((2 * share - 1).ravel())
            negative += np.sum(values < 0)
        outside += np.sum(~inside)
        if isinstance(actions, gym.spaces.Discrete):
            chosen = random.integers(actions.n, size=COPIES)
        else:
            chosen = random.uniform(-1, 1, size=(COPIES, *actions.shape)).astype(actions.dtype)
        observations, *_ = envs.step(chosen)
    print(f"{name}: lower bounds {lows}; {outside} of {COPIES * STEPS} observations are outside, {negative} numbers are negative;", end=" ")
    print(f"scaled by the bounds all are {scaled}")
    assert all(0 < low < 1e-37 or low == np.finfo(float).tiny for low in lows), "the behaviour has changed"
    assert outside > 0.99 * COPIES * STEPS and negative > 1000 and scaled == {-1.0}, "the behaviour has changed"
PY
