"""Loops over bytes and samples in whole numbers, compiled by numba where it is there.

A kernel gives the same result compiled and as plain Python, which is slow but needs no compiler: what is
written with it can be read on any machine. To keep that so, a kernel keeps to integers that fit into 64 bits
signed, and masks or checks a value before it stores it in a narrower array. Arithmetic that wraps compiled
would not wrap in plain Python, and a store that does not fit would raise there. It never divides by zero, which
compiled gives 0: its code, or what it is called with, rules that out.

What is not checked cannot raise, and is put into the code that calls it. Handing over dozens of arrays and asking
after each call whether it failed took half of the time.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(function: _F) -> _F:
    """Compile a function when it is first called, with its indices checked: IndexError, never a stray read.

    Machine code is kept on disk where there is a place for it. The interpreter's lock is free meanwhile.
    """
    return _compile(function, boundscheck=True)


def unchecked_kernel(function: _F) -> _F:
    """Compile like `kernel`, without checking indices: for loops whose indices are masked or proven by their code."""
    return _compile(function, boundscheck=False)


def _compile(function: _F, *, boundscheck: bool) -> _F:
    if find_spec("numba") is None:
        return function
    import numba  # noqa: PLC0415  takes a second; only codecs with kernels should pay for it

    compile_: Any = numba.njit
    options = {"nogil": True, "boundscheck": boundscheck, "error_model": "numpy", "forceinline": not boundscheck}
    if "NUMBA_CACHE_DIR" not in os.environ:
        numba.config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]
    try:
        compiled: _F = compile_(cache=True, **options)(function)
    except RuntimeError:  # no folder to keep machine code in
        compiled = compile_(**options)(function)
    _ignore_literals(compiled)
    return compiled


def _ignore_literals(compiled: Any) -> None:
    """Let kernels that call this one use one machine code of it for all constants that they give.

    numba would compile it for each of them, and often once for what a variable begins with and then for any number.
    """
    from numba.core import types  # noqa: PLC0415

    unliteral: Any = types.unliteral
    choose = getattr(compiled, "get_call_template", None)
    if choose is None:  # numba was told not to compile
        return
    compiled.get_call_template = lambda args, kws: choose(tuple(unliteral(arg) for arg in args), kws)


@cache
def _cache_folder() -> str:
    """Return a folder for machine code that was compiled of these very sources.

    numba looks only whether the file of the function itself has changed; but what it has inlined from other files is in
    its machine code, too.
    """
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted(here.rglob("*.py")):
        found = path.stat()
        digest.update(f"{path.relative_to(here)} {found.st_size} {found.st_mtime_ns}\n".encode())
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("HOME")
    base = Path(home) if home and Path(home).is_dir() else Path(tempfile.gettempdir())
    if not os.environ.get("XDG_CACHE_HOME"):
        base = base / ".cache"
    return str(base / "panini-daemon" / "kernels" / digest.hexdigest()[:16])
