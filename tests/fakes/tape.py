"""A recording of tensor operations that is played again, as a CUDA graph is, on a CPU.

What is played is what was called, on the same tensors, with the numbers of then: whatever a step decides in Python, or
keeps in another tensor than before, goes wrong when it is replayed.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Tape(TorchDispatchMode):
    """Keeps every operation that runs while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, list[Any]]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, tree_leaves(result)))
        return result

    def play(self) -> None:
        for func, args, kwargs, results in self.calls:
            for then, now in zip(results, tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(then, torch.Tensor) and then.data_ptr() != now.data_ptr():
                    then.copy_(now)


def record_on_tape(step: Callable[[], None]) -> Callable[[], None]:
    """Return what records the step when it is first run, and plays it from then on."""
    tape = Tape()

    def run() -> None:
        if tape.calls:
            tape.play()
        else:
            with tape:
                step()

    return run
