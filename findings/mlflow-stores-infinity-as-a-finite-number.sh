#!/usr/bin/env bash
# Package:   mlflow-skinny 3.17.2 with its SQLite store (the default store since 3.7)
# Behaviour: an infinite metric is stored as the largest double: +inf comes back as 1.797e308, -inf as -1.797e308, both
#            finite. A nan comes back as nan.
# Guess:     what log_metric takes without complaint, get_metric_history returns; and infinity fares as nan does.
# Seen:      value_loss 1.0, inf, -inf, nan, 2.0 logged; 1.0, 1.797e+308, -1.797e+308, nan, 2.0 read. math.isfinite finds
#            one bad point of three.
# Hurts:     divergence checks on logged runs: the overflow of a value loss passes isfinite, and means, axes and
#            normalised scores over that curve overflow in turn, far from the cause.
# Source:    https://mlflow.org/docs/latest/api_reference/python_api/mlflow.html#mlflow.log_metric (in small print)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q mlflow-skinny==3.17.2 sqlalchemy==2.1.9 alembic==1.20.1
cd "$here" && MLFLOW_DISABLE_TELEMETRY=true "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import math

import mlflow

mlflow.set_tracking_uri("sqlite:///runs.db")
logged = [1.0, math.inf, -math.inf, math.nan, 2.0]
with mlflow.start_run() as run:
    for step, value in enumerate(logged):
        mlflow.log_metric("train/value_loss", value, step=step)
history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "train/value_loss")
read = [point.value for point in sorted(history, key=lambda point: point.step)]
print("logged:", logged)
print("read:  ", read)
print("not finite: logged", sum(not math.isfinite(x) for x in logged), "read", sum(not math.isfinite(x) for x in read))
assert read[1] == -read[2] == 1.7976931348623157e308 and math.isnan(read[3]), "the behaviour has changed"
PY
