"""What makes a process of the laboratory fast."""

from __future__ import annotations

import ctypes
from functools import cache

import torch

# Of glibc's mallopt (malloc.h): parameters and values.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_KEPT, _PAD = 2**30, 2**26


@cache
def prepare() -> None:
    """Use one thread and keep freed memory: run one process for each core.

    Memory that is given back after every product and fetched again costs as much as the products.
    """
    torch.set_num_threads(1)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _KEPT)
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_TOP_PAD, _PAD)
