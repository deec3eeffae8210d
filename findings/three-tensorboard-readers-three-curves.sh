#!/usr/bin/env bash
# Package:   tensorboard 2.21.0 with tensorboard-data-server 0.7.2; written with tensorboardX 2.6.5
# Behaviour: of a run whose steps go back, the data server (what the browser shows by default) drops a tag's old points from
#            that step on; --load_fast=false and EventAccumulator keep both passes. With purge_step at the resume it is
#            EventAccumulator that drops, for every tag; the server still leaves a tag alone that is not logged again,
#            and --load_fast=false still drops nothing.
# Guess:     one log has one content; the flag changes speed only; purge_step means the same to every reader.
# Seen:      10 points, resumed at 4 for 3 points, without and with purge_step: return / old tag, number of points: server
#            7 / 10 and 7 / 10; slow server 13 / 10 and 13 / 10; EventAccumulator 13 / 10 and 7 / 4.
# Hurts:     whoever checks in the browser what a script computed: a resumed run has twice the points, steps that go
#            back and a mixed mean in one, and a clean curve in the other.
# Source:    https://github.com/tensorflow/tensorboard/issues/4784 (collects reports on the data server)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q tensorboard==2.21.0 tensorboard-data-server==0.7.2 tensorboardX==2.6.5 numpy==2.4.6
cd "$here" && "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import json, socket, subprocess, sys, time, urllib.request

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX import SummaryWriter

found = {"accumulator": {}, "true": {}, "false": {}}
for run, extra in {"plain": {}, "purged": {"purge_step": 4}}.items():
    for steps, settings in ((range(10), {}), (range(4, 7), extra)):
        writer = SummaryWriter(run, **settings)
        for step in steps:
            writer.add_scalar("return", step, step)
            if len(steps) == 10:
                writer.add_scalar("old", step, step)
        writer.close()
        time.sleep(1.1)  # files are named, and read in order, by the second
    log = EventAccumulator(run).Reload()
    found["accumulator"] |= {(run, tag): len(log.Scalars(tag)) for tag in ("return", "old")}
for fast in ("true", "false"):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir=.", f"--port={port}", "--host=127.0.0.1"]
    server = subprocess.Popen([*command, f"--load_fast={fast}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(60):
            time.sleep(1)
            before = dict(found[fast])
            try:
                for run, tag in found["accumulator"]:
                    address = f"http://127.0.0.1:{port}/data/plugin/scalars/scalars?run={run}&tag={tag}"
                    found[fast][run, tag] = len(json.load(urllib.request.urlopen(address)))
            except OSError:  # not up, or not all read yet
                continue
            if before == found[fast]:
                break
    finally:
        server.terminate()
        server.wait()
for reader, counts in found.items():
    print("load_fast=" * (reader != "accumulator") + reader, counts)
assert [list(counts.values()) for counts in found.values()] == [[13, 10, 7, 4], [7, 10, 7, 10], [13, 10, 13, 10]]
PY
