"""The gate: passing criteria held against evaluations, for an exit code that a maintainer can trust."""

from rldoctor.gate.judge import Statistic, judge_run, judge_runs, unjudged

__all__ = ["Statistic", "judge_run", "judge_runs", "unjudged"]
