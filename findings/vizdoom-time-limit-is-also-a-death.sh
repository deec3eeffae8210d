#!/usr/bin/env bash
# Package:   vizdoom 1.3.2, gymnasium 1.4.0
# Behaviour: since 1.3 a scenario's own time limit is reported as a truncation (treat_episode_timeout_as_truncation, on by
#            default), but terminated stays True beside it, and the final observation is a black frame.
# Guess:     at the limit terminated is False and truncated is True, as with Gymnasium's TimeLimit, and the last observation
#            is what the player sees, so that the value of the last state can be estimated.
# Seen:      VizdoomBasic-v1, no button pressed, 75 steps of 4 tics: terminated and truncated, brightest pixel 0. TimeLimit
#            one step earlier: truncated alone, brightest pixel 255.
# Hurts:     all value learning on scenarios with a limit. What bootstraps unless terminated takes the limit for a death, as
#            before 1.3, while the option says otherwise; what bootstraps where truncated takes the value of a black frame.
# Source:    https://github.com/Farama-Foundation/ViZDoom (gymnasium_wrapper/base_gymnasium_env.py: step)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q vizdoom==1.3.2 gymnasium==1.4.0 numpy==2.4.6 pygame==2.6.1
cd "$here" && PYGAME_HIDE_SUPPORT_PROMPT=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import gymnasium as gym
from vizdoom import gymnasium_wrapper  # noqa: F401  registers the scenarios


def ending(limit):
    """Play without pressing a button; return the steps, both flags and the brightest pixel of the last frame."""
    env = gym.make("VizdoomBasic-v1", frame_skip=4, max_episode_steps=limit)
    env.reset(seed=0)
    still, steps, over = env.action_space.sample() * 0, 0, False
    while not over:
        seen, _, terminated, truncated, _ = env.step(still)
        steps, over = steps + 1, terminated or truncated
    env.close()
    return steps, terminated, truncated, int(seen["screen"].max())


own, early = ending(None), ending(74)
for name, (steps, terminated, truncated, brightest) in (("scenario's limit", own), ("TimeLimit", early)):
    print(f"{name}: step {steps}, terminated={terminated}, truncated={truncated}, brightest pixel {brightest}")
assert own == (75, True, True, 0), "the behaviour has changed"
assert early[:3] == (74, False, True) and early[3] > 50, "the behaviour has changed"
PY
