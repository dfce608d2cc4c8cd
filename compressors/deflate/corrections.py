"""What differs between a stream and what the encoder makes of its content, as numbers in base 128."""

from dataclasses import dataclass

import numpy as np

from panini_daemon.compressors.containers.numbers import Cursor, number
from panini_daemon.compressors.deflate.tables import H_COUNT, H_MOST, H_STEPS, LONG, Ints, Longs
from panini_daemon.compressors.parameters import LARGEST

_NOTES, _COUNTS, _KINDS, _TABLES, _TAIL = 1, 2, 4, 8, 16


@dataclass(frozen=True, slots=True, eq=False)
class Corrections:
    """Tokens that differ (number, token), tokens of each block, kinds (with padding) and tables of blocks, last bits.

    `counts` is None where blocks are as long as the encoder makes them.
    """

    notes: Longs
    counts: Longs | None
    kinds: dict[int, int]
    tables: dict[int, Ints]
    tail: int


def write_corrections(told: Corrections) -> bytes:
    """Write them: nothing where nothing differs; else flags, and what they say follows."""
    flags = _NOTES * bool(len(told.notes)) + _COUNTS * (told.counts is not None) + _KINDS * bool(told.kinds)
    flags += _TABLES * bool(told.tables) + _TAIL * bool(told.tail)
    if not flags:
        return b""
    values = [flags]
    if len(told.notes):
        gaps = np.diff(told.notes[:, 0], prepend=-1) - 1
        values.append(len(told.notes))
        for gap, token in zip(gaps.tolist(), told.notes[:, 1].tolist(), strict=True):
            length = token >> 16 & 511
            values += [gap, length + bool(token & LONG)] + ([token & 65535] if length else [])
    if told.counts is not None:
        values += [len(told.counts), *told.counts.tolist()]
    if told.kinds:
        values += [len(told.kinds), *(value for pair in told.kinds.items() for value in pair)]
    if told.tables:
        values += [len(told.tables), *(value for at, table in told.tables.items() for value in (at, *table.tolist()))]
    if told.tail:
        values.append(told.tail)
    return b"".join(map(number, values))


def read_corrections(data: bytes) -> Corrections:
    """Read them. Raises PayloadDamaged."""
    cursor = Cursor(data)
    flags = cursor.number(31) if data else 0
    notes = np.array(_read_notes(cursor) if flags & _NOTES else [], np.int64).reshape(-1, 2)
    counts = None
    if flags & _COUNTS:
        counts = np.array([cursor.number(LARGEST) for _ in range(cursor.number(len(data)))], np.int64)
    kinds = {}
    for _ in range(cursor.number(len(data)) if flags & _KINDS else 0):
        at = cursor.number(LARGEST)
        kinds[at] = cursor.number(511)
    tables = {}
    for _ in range(cursor.number(len(data)) if flags & _TABLES else 0):
        at = cursor.number(LARGEST)
        tables[at] = _read_table(cursor)
    return Corrections(notes, counts, kinds, tables, cursor.number(127) if flags & _TAIL else 0)


def _read_notes(cursor: Cursor) -> list[tuple[int, int]]:
    found, at = [], -1
    for _ in range(cursor.number(len(cursor.data))):
        at += 1 + cursor.number(LARGEST)
        length = cursor.number(259)
        token = min(length, 258) << 16 | (LONG if length == 259 else 0)
        found.append((at, token | cursor.number(32768) if length else 0))
    return found


def _read_table(cursor: Cursor) -> Ints:
    head = [cursor.number(511) for _ in range(H_STEPS)]
    steps = [cursor.number(8191) for _ in range(min(head[H_COUNT], H_MOST - H_STEPS))]
    return np.array(head + steps, np.int32)
