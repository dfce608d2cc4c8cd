"""Steps that are recorded once on a CUDA device and replayed: a launch for a step, where eagerly it is thousands.

A step works on buffers that stay where they are, reads nothing back to the host, and may depend on whole numbers that
the host knows: one recording for each of them. What is replayed are the very kernels that run without it.
"""

import warnings
from collections.abc import Callable

import torch

Run = Callable[[], object]
Recorder = Callable[[Callable[[], None]], Run]
"""Takes a step without running it, and returns what runs it. Raises RuntimeError where it cannot be recorded."""


def record_cuda(step: Callable[[], None]) -> Run:
    """Record a step as a CUDA graph."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


class Replayer:
    """Runs a step by its bounds: the first time eagerly, so that libraries are loaded, then recorded and replayed.

    Where a recording fails, everything goes on eagerly, with one warning.
    """

    def __init__(self, step: Callable[[int, int], None], record: Recorder | None) -> None:
        """Run `step`, always eagerly where `record` is None."""
        self._step, self._record = step, record
        self._known: dict[tuple[int, int], Run | None] = {}

    def __call__(self, first: int, keys: int) -> None:
        """Run the step once."""
        bounds = (first, keys)
        if self._record is None:
            self._step(first, keys)
        elif bounds not in self._known:
            self._known[bounds] = None
            self._step(first, keys)
        else:
            run = self._known[bounds] or self._try(self._record, bounds)
            run()

    def _try(self, record: Recorder, bounds: tuple[int, int]) -> Run:
        def step() -> None:
            self._step(*bounds)

        try:
            self._known[bounds] = run = record(step)
        except RuntimeError as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            self._record = None
            warnings.warn(f"CUDA graphs do not work here ({error}); work goes on without them", stacklevel=2)
            return step
        return run
