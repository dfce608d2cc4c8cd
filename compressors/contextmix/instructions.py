"""Where a byte stands in an x86 instruction, read on the fly, and contexts of that.

Lengths go by the opcode, ModRM and SIB bytes as the Intel manual (volume 2, chapter 2 and appendix A) tells them for
32 bits; what is read wrong costs size, never correctness. Bytes of other things look like odd instructions.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.notes import byte_at
from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.kernels import unchecked_kernel

PHASE, LEFT, IMMEDIATE, OPCODE, FORM, FIELD, LAST, EARLIER, OLDEST, NARROW = range(10)
"""What is noted: what the next byte is; how many are left of a displacement or an immediate; how many an immediate has;
the opcode (256 more behind 0F) and the ModRM byte of the latest instruction; the bytes so far of its displacement or
immediate; opcode and ModRM byte of the three before it; whether its operands have 16 bits."""
INSTRUCTION_NOTES = 10
_START, _SECOND, _MODE, _SCALE, _OFFSET, _VALUE = range(6)
_HAS_FORM, _PREFIX, _WIDE = 8, 16, 32
"""What the table says: a ModRM byte follows; it is a prefix; 4 bytes, or 2, are immediate; else how many are."""

_FORMS = "62 63 69 6B 80-8F C0 C1 C4-C7 D0-D3 D8-DF F6 F7 FE FF 100-103 10D 110-123 128-12F 140-176 178-17F 190-19F"
_FORMS += " 1A3-1A5 1AB-1AF 1B0-1C7 1D0-1FF"
_BYTES = "6A 6B 70-7F 80 82 83 A8 B0-B7 C0 C1 C6 CD D4 D5 E0-E7 EB 170-173 1A4 1AC 1BA 1C2 1C4-1C6"
_WIDES = "68 69 81 A0-A3 A9 B8-BF C7 E8 E9 180-18F"
_PREFIXES = "26 2E 36 3E 64-67 F0 F2 F3"


@cache
def make_opcodes() -> NDArray[np.int64]:
    """Return what follows each opcode, 256 of one byte and 256 behind 0F."""
    table = np.zeros(512, np.int64)
    for base in range(0, 0x40, 8):  # the eight arithmetic operations
        table[base : base + 4] |= _HAS_FORM
        table[base + 4] |= 1
        table[base + 5] |= _WIDE
    for text, value in ((_FORMS, _HAS_FORM), (_BYTES, 1), (_WIDES, _WIDE), (_PREFIXES, _PREFIX)):
        for span in text.split():
            first, _, last = span.partition("-")
            table[int(first, 16) : int(last or first, 16) + 1] |= value
    for opcode, size in ((0xC2, 2), (0xCA, 2), (0xC8, 3), (0x9A, 6), (0xEA, 6)):
        table[opcode] |= size
    table.flags.writeable = False
    return table


@unchecked_kernel
def read_instruction(notes: NDArray[np.int64], opcodes: NDArray[np.int64], byte: int) -> None:
    """Take one more byte into account."""
    phase = int(notes[PHASE])
    if phase == _START and byte == 0x0F:
        notes[PHASE] = _SECOND
    elif phase <= _SECOND:
        _read_opcode(notes, byte | phase << 8, int(opcodes[byte | phase << 8]))
    elif phase == _MODE:
        _read_form(notes, byte)
    elif phase == _SCALE:
        if byte & 7 == 5 and int(notes[FORM]) < 0x40:
            notes[LEFT] = 4
        _begin_offset(notes)
    else:
        notes[FIELD] = (int(notes[FIELD]) << 8 | byte) & 0xFFFFFF
        notes[LEFT] = int(notes[LEFT]) - 1
        if int(notes[LEFT]) == 0:
            if phase == _OFFSET:
                _begin_value(notes)
            else:
                _begin_instruction(notes)


@unchecked_kernel
def _read_opcode(notes: NDArray[np.int64], opcode: int, told: int) -> None:
    if told & _PREFIX:
        if opcode == 0x66:
            notes[NARROW] = 1
        return
    notes[OLDEST] = notes[EARLIER]
    notes[EARLIER] = notes[LAST]
    notes[LAST] = int(notes[OPCODE]) | int(notes[FORM]) << 9
    notes[OPCODE] = opcode
    notes[FORM] = 0
    notes[IMMEDIATE] = told & 7
    if told & _WIDE:
        notes[IMMEDIATE] = 2 if notes[NARROW] else 4
    notes[PHASE] = _MODE
    if not told & _HAS_FORM:
        _begin_value(notes)


@unchecked_kernel
def _read_form(notes: NDArray[np.int64], byte: int) -> None:
    notes[FORM] = byte
    opcode, mode, base = int(notes[OPCODE]), byte >> 6, byte & 7
    if opcode & 0x1FE == 0xF6 and byte & 0x30 == 0:  # only the test instruction has an immediate
        notes[IMMEDIATE] = 1
        if opcode & 1:
            notes[IMMEDIATE] = 2 if notes[NARROW] else 4
    notes[LEFT] = 0
    if mode == 1:
        notes[LEFT] = 1
    elif mode == 2 or (mode == 0 and base == 5):
        notes[LEFT] = 4
    if mode < 3 and base == 4:
        notes[PHASE] = _SCALE
    else:
        _begin_offset(notes)


@unchecked_kernel
def _begin_offset(notes: NDArray[np.int64]) -> None:
    notes[PHASE] = _OFFSET
    if int(notes[LEFT]) == 0:
        _begin_value(notes)


@unchecked_kernel
def _begin_value(notes: NDArray[np.int64]) -> None:
    notes[FIELD] = 0
    notes[PHASE] = _VALUE
    notes[LEFT] = notes[IMMEDIATE]
    if int(notes[LEFT]) == 0:
        _begin_instruction(notes)


@unchecked_kernel
def _begin_instruction(notes: NDArray[np.int64]) -> None:
    notes[PHASE] = _START
    notes[FIELD] = 0
    notes[NARROW] = 0


@unchecked_kernel
def place_in_instruction(notes: NDArray[np.int64]) -> int:
    """Return what the next byte is, below 64: its phase times 8, and how many bytes of its field are left."""
    phase = int(notes[PHASE])
    return phase << 3 | (int(notes[LEFT]) & 7 if phase >= _OFFSET else int(notes[NARROW]))


@unchecked_kernel
def hash_instructions(keys: NDArray[np.int64], notes: NDArray[np.int64], data: NDArray[np.uint8], at: int) -> None:
    """Compute the contexts 72 to 79."""
    place = place_in_instruction(notes)
    opcode, last, earlier, oldest = int(notes[OPCODE]), int(notes[LAST]), int(notes[EARLIER]), int(notes[OLDEST])
    mine = opcode | int(notes[FORM]) << 9
    if int(notes[PHASE]) <= _SECOND:  # the latest instruction is over, and one of the three before the next
        oldest, earlier, last, opcode, mine = earlier, last, mine, 0, 0
    c1, c2 = byte_at(data, at - 1), byte_at(data, at - 2)
    here = hash_pair(mine, place)
    keys[72] = here
    keys[73] = hash_pair(here, last & 511)
    keys[74] = hash_pair(hash_pair(here, last), earlier & 511)
    keys[75] = hash_pair(hash_pair(opcode | place << 9, last & 511), (earlier & 511) | (oldest & 511) << 9)
    keys[76] = hash_pair(hash_pair(here, last), hash_pair(earlier, oldest))
    keys[77] = hash_pair(int(notes[FIELD]) | place << 24, c1)
    keys[78] = hash_pair(hash_pair(here, int(notes[FIELD])), c1)
    keys[79] = hash_pair(hash_pair(opcode | place << 9, c1 | c2 << 8), last)
