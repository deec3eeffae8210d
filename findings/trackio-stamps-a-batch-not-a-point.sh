#!/usr/bin/env bash
# Package:   trackio 0.43.0
# Behaviour: log() queues; a thread writes the queue about twice a second, and all points of a batch get one timestamp,
#            that of the writing. The time of the call is not kept.
# Guess:     the timestamp in a tracker's table is when the metric was logged, as in TensorBoard and W&B (it imitates
#            the interface of the latter).
# Seen:      12 points logged 0.2 s apart: 4 distinct timestamps, the differences between neighbours 0 or about 0.6 s.
# Hurts:     whoever computes steps per second, stalls or the order of events of two runs from the stored times: the
#            speed is infinite within a batch, and a point can seem half a second younger than its cause.
# Source:    https://github.com/gradio-app/trackio (no issue found on it)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q trackio==0.43.0
cd "$here" && HOME="$here" TRACKIO_DIR="$here/runs" HF_HUB_OFFLINE=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import datetime
import glob
import sqlite3
import time

import trackio

trackio.init(project="runs", name="one", embed=False)
for step in range(12):
    trackio.log({"return": float(step)}, step=step)
    time.sleep(0.2)
trackio.finish()
[table] = glob.glob("runs/*.db")
rows = sqlite3.connect(table).execute("select step, timestamp from metrics order by step").fetchall()
times = [datetime.datetime.fromisoformat(stamp).timestamp() for _, stamp in rows]
gaps = [round(later - earlier, 2) for earlier, later in zip(times, times[1:])]
print(f"{len(rows)} points, {len(set(times))} timestamps; seconds between neighbours: {gaps}")
assert len(rows) == 12 and len(set(times)) <= 8 and gaps.count(0.0) >= 4, "the behaviour has changed"
PY
