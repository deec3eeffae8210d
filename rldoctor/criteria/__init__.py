"""The gate: passing criteria held against evaluations, for an exit code that a maintainer can trust."""

from rldoctor.criteria.judge import Statistic, judge, judge_all, unjudged

__all__ = ["Statistic", "judge", "judge_all", "unjudged"]
