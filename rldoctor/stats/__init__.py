"""The statistics of signs, bands and criteria. Pure numpy.

Unless a docstring says otherwise, values that are not finite are left out, and what cannot be computed is NaN rather
than an exception: logs do hold curves with one point, or with none.
"""

from rldoctor.stats.curves import (
    align,
    between,
    interpolate,
    longest_stretch,
    means_of_parts,
    median,
    medians,
    rank_correlation,
    rank_correlations,
    smooth,
)
from rldoctor.stats.samples import (
    Gap,
    Interval,
    IqmBand,
    Share,
    bootstrap_gap,
    bootstrap_share,
    improvement_interval,
    iqm,
    iqm_band,
    probability_of_improvement,
    stratified_interval,
)

__all__ = [
    "Gap",
    "Interval",
    "IqmBand",
    "Share",
    "align",
    "between",
    "bootstrap_gap",
    "bootstrap_share",
    "improvement_interval",
    "interpolate",
    "iqm",
    "iqm_band",
    "longest_stretch",
    "means_of_parts",
    "median",
    "medians",
    "probability_of_improvement",
    "rank_correlation",
    "rank_correlations",
    "smooth",
    "stratified_interval",
]
