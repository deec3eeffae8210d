"""Training without PyTorch's compiler, which its optimizers load to say that they do not want it."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterator
from typing import Any

# What torch.optim.Optimizer marks with torch._disable_dynamo.
_MARKED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
# Where torch._disable_dynamo keeps what the compiler made of a function (torch/_compile.py).
_KEPT = "__dynamo_disable"


@contextlib.contextmanager
def without_dynamo() -> Iterator[None]:
    """Let SB3's Adam work without importing ``torch._dynamo``, with the same numbers; undone at the end.

    The compiler is hundreds of modules, loaded for more than a second and for nothing: what is never compiled need not
    be kept from being compiled. Where PyTorch is built otherwise than expected nothing is changed, and only time is
    lost.
    """
    import torch

    if "torch._dynamo" in sys.modules:
        yield
        return
    with contextlib.ExitStack() as undoing:
        for name in _MARKED:
            inner: Any = getattr(getattr(torch.optim.Optimizer, name), "__wrapped__", None)
            if inner is not None and not hasattr(inner, _KEPT):
                setattr(inner, _KEPT, inner)
                undoing.callback(delattr, inner, _KEPT)
        # Its decorator turns gradients off and tells the compiler, which is imported for that.
        step = torch.optim.Adam.step
        torch.optim.Adam.step = torch.no_grad()(inspect.unwrap(step))  # type: ignore[method-assign]
        undoing.callback(setattr, torch.optim.Adam, "step", step)
        yield
