"""The fit of the weights: ``python -m benchmarks.fit_weights``, see ``__main__``."""

from __future__ import annotations

import os

# The matrices are small: on a busy machine, the threads of numpy's BLAS would wait for each other for minutes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from benchmarks.fit_weights.rows import Row, shows
from benchmarks.fit_weights.signs import fit, with_weights

__all__ = ["Row", "fit", "shows", "with_weights"]
