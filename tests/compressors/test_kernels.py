import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from panini_daemon.compressors import kernels

_SOURCE = """
import numpy as np
from panini_daemon.compressors.kernels import kernel

@kernel
def sum_up(values):
    total = 0
    for at in range(values.size):
        total = (total * 31 + int(values[at])) & 0xFFFFFFFF
    return total

print(sum_up(np.arange(1000)))
"""


def _read(values: "np.ndarray", at: int) -> int:
    return int(values[at])


def test_a_kernel_refuses_an_index_outside_its_array() -> None:
    read = kernels.kernel(_read)
    assert read(np.arange(3), 2) == 2
    with pytest.raises(IndexError):
        read(np.arange(3), 3)


def test_without_a_compiler_a_kernel_is_the_function_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "find_spec", lambda name: None)
    assert kernels.kernel(_read) is _read


def _add(one: int, two: int) -> int:
    return one + two


@pytest.mark.slow
def test_constants_share_one_machine_code() -> None:
    """Of a variable that begins with a constant, too: numba would compile once for that and once for any number."""
    add = kernels.unchecked_kernel(_add)

    def _sum_up(count: int) -> int:
        total = 0
        for _ in range(count):
            total = add(total, 3)
        return add(total, 4)

    assert kernels.kernel(_sum_up)(5) == 19
    assert len(add.signatures) == 1  # type: ignore[attr-defined]


@pytest.mark.slow
def test_compiled_and_plain_kernels_agree(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_SOURCE)
    answers = {
        subprocess.run(
            [sys.executable, script], env={**os.environ, "NUMBA_DISABLE_JIT": plain}, check=True, capture_output=True
        ).stdout
        for plain in ("0", "1")
    }
    assert len(answers) == 1
