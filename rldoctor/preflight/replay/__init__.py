"""What an algorithm with a replay buffer does with transitions that are known one by one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def as_in_training() -> Iterator[None]:
    """Let PyTorch work as in training: one thread, and no compiler."""
    import torch

    from rldoctor.sb3.without_dynamo import without_dynamo

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with without_dynamo():
            yield
    finally:
        torch.set_num_threads(threads)
