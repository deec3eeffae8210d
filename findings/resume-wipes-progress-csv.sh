#!/usr/bin/env bash
# Package:   stable-baselines3 2.9.2, logger.configure
# Behaviour: configure(folder, ["csv", "json", "log"]) truncates progress.csv, progress.json and log.txt that lie there.
#            The TensorBoard writer, configured by the same call, adds a file beside the old one and loses nothing.
# Guess:     all formats of one logger treat a folder with a run in it alike; Monitor has override_existing=False, and a
#            model continued with reset_num_timesteps=False goes on with its count of steps.
# Seen:      two sessions of ten iterations, 640 steps each: progress.csv holds rows 704 to 1,280, the first ten rows are
#            gone; the two event files together hold all twenty.
# Hurts:     whoever resumes into the same folder and draws the curve from progress.csv: it begins in the middle of
#            training, with nothing to show that anything is missing.
# Source:    https://stable-baselines3.readthedocs.io/en/master/common/logger.html (not mentioned)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6 torch==2.13.0 tensorboard==2.21.0
cd "$here" && OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import csv
import glob
import json
import time

import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.logger import configure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

rows = []
for session in range(2):
    if session:
        model = PPO.load("model", env=gym.make("CartPole-v1"))
        time.sleep(1.1)  # event files are named by the second
    else:
        model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, batch_size=64, n_epochs=1, seed=0)
    model.set_logger(configure("log", ["csv", "json", "tensorboard"]))
    model.learn(640, log_interval=1, reset_num_timesteps=False)
    model.save("model")
    with open("log/progress.csv", newline="") as file:
        steps = [int(row["time/total_timesteps"]) for row in csv.DictReader(file)]
    with open("log/progress.json") as file:
        lines = [json.loads(line) for line in file]
    rows.append((steps[0], steps[-1], len(steps), len(lines)))
    print(f"after session {session + 1}: progress.csv from {steps[0]} to {steps[-1]}; progress.json {len(lines)} lines")
points = 0
for path in glob.glob("log/events.out.tfevents.*"):
    reader = EventAccumulator(path)
    reader.Reload()
    points += len(reader.Scalars("time/fps"))
print("points in the event files:", points)
assert rows == [(64, 640, 10, 10), (704, 1280, 10, 10)] and points == 20, "the behaviour has changed"
PY
