"""Training without importing PyTorch's compiler, which its optimizers load only to disable it."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterator
from typing import Any

# Methods of torch.optim.Optimizer decorated with torch._disable_dynamo.
_DISABLED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
# Where torch._disable_dynamo caches the function that the compiler returns (torch/_compile.py).
_CACHE = "__dynamo_disable"


@contextlib.contextmanager
def without_dynamo() -> Iterator[None]:
    """Let SB3's Adam work without importing ``torch._dynamo``, with the same numbers; undone at the end.

    The compiler is hundreds of modules that take more than a second to import, and nothing here is compiled. If
    PyTorch's internals are not as expected, nothing is changed, and only time is lost.
    """
    import torch

    if "torch._dynamo" in sys.modules:
        yield
        return
    with contextlib.ExitStack() as undoing:
        for name in _DISABLED:
            inner: Any = getattr(getattr(torch.optim.Optimizer, name), "__wrapped__", None)
            if inner is not None and not hasattr(inner, _CACHE):
                setattr(inner, _CACHE, inner)
                undoing.callback(delattr, inner, _CACHE)
        # Its decorator turns gradients off and disables the compiler, which is imported for that.
        step = torch.optim.Adam.step
        torch.optim.Adam.step = torch.no_grad()(inspect.unwrap(step))  # type: ignore[method-assign]
        undoing.callback(setattr, torch.optim.Adam, "step", step)
        yield
