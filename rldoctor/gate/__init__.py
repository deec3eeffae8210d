"""The gate: evaluations checked against passing criteria, for an exit code that CI can rely on."""

from rldoctor.gate.judge import Statistic, judge_run, judge_runs, unjudged

__all__ = ["Statistic", "judge_run", "judge_runs", "unjudged"]
