#!/usr/bin/env bash
# Package:   polars 2.1.0 on a progress.csv of stable-baselines3 2.9.2
# Behaviour: read_csv settles types by the first 100 rows; a column that is empty there becomes String, whatever follows.
#            There is no error: max() and sort() then go by letters, mean() is None, and the first comparison with a number raises.
# Guess:     an empty column is null until a value is seen; pandas reads the same file as numbers.
# Seen:      DQN with learning_starts=10000 on CartPole-v1 logs more than 100 rows before its first update: train/loss,
#            train/learning_rate and train/n_updates come as String, and the maximum of n_updates is "95", not 368.
# Hurts:     off-policy runs, which all log long before they learn; the shorter the warm-up, the sounder the file reads,
#            so it works in the test and fails on the real run. infer_schema_length=None mends it.
# Source:    https://docs.pola.rs/api/python/stable/reference/api/polars.read_csv.html (infer_schema_length)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q polars==2.1.0 pandas==3.1.1 stable-baselines3==2.9.2 gymnasium==1.4.0 \
    numpy==2.4.6 torch==2.13.0
cd "$here" && OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - <<'PY'
import pandas
import polars
from stable_baselines3 import DQN
from stable_baselines3.common.logger import configure

model = DQN("MlpPolicy", "CartPole-v1", learning_starts=10_000, buffer_size=20_000, seed=0)
model.set_logger(configure("log", ["csv"]))
model.learn(11_500, log_interval=4)
table, whole = polars.read_csv("log/progress.csv"), pandas.read_csv("log/progress.csv")
late = [name for name in table.columns if table.schema[name] == polars.String]
first = int(whole["train/loss"].first_valid_index())
print(f"{len(whole)} rows, the first update in row {first}; read as text: {late}")
print("largest train/n_updates:", repr(table["train/n_updates"].max()), "as numbers:", whole["train/n_updates"].max())
assert first > 100 and sorted(late) == ["train/learning_rate", "train/loss", "train/n_updates"], "the behaviour has changed"
assert float(table["train/n_updates"].max()) < whole["train/n_updates"].max(), "the behaviour has changed"
healed = polars.read_csv("log/progress.csv", infer_schema_length=None)
assert polars.String not in healed.schema.values(), "the behaviour has changed"
PY
