#!/usr/bin/env bash
# Package:   optuna 5.0.0, MedianPruner, PercentilePruner and WilcoxonPruner
# Behaviour: a trial is compared with other trials at exactly its own step. If no other trial has reported that number, it
#            is never pruned, and nothing is said.
# Guess:     a curve is compared with the others' curves near that step (or the last one before it), as
#            SuccessiveHalvingPruner's rungs do.
# Seen:      10 good and 20 hopeless trials, 14 reports each. Reported every 2,048 steps: 20 pruned. Reported at the steps
#            that PPO's rollouts of 1,024 to 3,072 steps (n_steps is what is tuned) happen to end at: 0 pruned by all
#            three. SuccessiveHalvingPruner compares by rungs and does prune there (28, good ones among them).
# Hurts:     tuning with n_steps, n_envs, train_freq or episode ends as the clock: the pruner looks active, all trials run
#            to the end, and a night's budget buys a fraction of the trials. Count evaluations, not time steps.
# Source:    https://optuna.readthedocs.io/en/stable/reference/generated/optuna.pruners.MedianPruner.html ("at the same
#            step" is in its first line, the silence is not)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q optuna==5.0.0 numpy==2.4.6 scipy==1.17.1
"$here/venv/bin/python" -W ignore - <<'PY'
import optuna
from optuna import pruners

optuna.logging.set_verbosity(optuna.logging.ERROR)


def pruned(pruner, rollout):
    def objective(trial):
        good = trial.number < 10
        for evaluation in range(1, 15):
            trial.report(100.0 * evaluation if good else 1.0 * evaluation, evaluation * rollout(trial.number))
            if trial.should_prune():
                raise optuna.TrialPruned
        return 1400.0 if good else 14.0

    study = optuna.create_study(direction="maximize", pruner=pruner, sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=30)
    return sum(trial.state.name == "PRUNED" for trial in study.trials)


tuned = [1024, 1153, 1298, 1461, 1645, 1852, 2085, 2347, 2643, 2975]
for name, make in {
    "median": lambda: pruners.MedianPruner(n_startup_trials=3),
    "percentile": lambda: pruners.PercentilePruner(25, n_startup_trials=3),
    "wilcoxon": lambda: pruners.WilcoxonPruner(),
    "halving": lambda: pruners.SuccessiveHalvingPruner(min_resource=1000),
}.items():
    same = pruned(make(), lambda number: 2048)
    own = pruned(make(), lambda number: tuned[number % 10] + number)
    print(f"{name}: pruned {same} of 20 hopeless trials on a common grid, {own} off it")
    assert same == 20 and (own >= 15 if name == "halving" else own == 0), "the behaviour has changed"
PY
