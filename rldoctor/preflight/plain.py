"""Evidence of checks as JSON can hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return evidence as JSON can hold it: NumPy's numbers and arrays as Python's, anything else as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)
