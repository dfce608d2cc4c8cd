"""In which order a scan visits blocks (ITU-T T.81, A.2)."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.jpeg.layout import Component, Frame, Scan


def order_blocks(frame: Frame, scan: Scan) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the scan's blocks, shape (MCUs, blocks in one), and to which of its components each in an MCU belongs."""
    chosen = [frame.components[one] for one in scan.components]
    if len(chosen) == 1:
        one = chosen[0]
        return _number(one)[: one.inner_rows, : one.inner_columns].reshape(-1, 1), np.zeros(1, np.int32)
    parts, slots = [], list[int]()
    for slot, one in enumerate(chosen):
        grid = _number(one).reshape(frame.mcu_rows, one.vertical, frame.mcu_columns, one.horizontal)
        parts.append(grid.transpose(0, 2, 1, 3).reshape(frame.mcu_rows * frame.mcu_columns, -1))
        slots += [slot] * (one.vertical * one.horizontal)
    return np.ascontiguousarray(np.concatenate(parts, axis=1)), np.array(slots, np.int32)


def _number(one: Component) -> NDArray[np.int32]:
    count = one.columns * one.rows
    return np.arange(one.first, one.first + count, dtype=np.int32).reshape(one.rows, one.columns)
