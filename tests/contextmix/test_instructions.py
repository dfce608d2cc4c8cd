"""Reading x86 code byte by byte: where instructions begin and end."""

import numpy as np
import pytest

from panini_daemon.compressors.contextmix.instructions import INSTRUCTION_NOTES, PHASE, make_opcodes, read_instruction

INSTRUCTIONS = (
    *("55", "8bec", "83ec10", "81ec00010000", "8b4508", "8b4c2404", "8d8c8500010000", "ff1500104000", "a100104000"),
    *(
        "e800000000",
        "0f8410000000",
        "0fb6c0",
        "f7c001000000",
        "f7d8",
        "f60501000000ff",
        "66b83412",
        "66813d0010400001ff",
    ),
    *("c20800", "c8100000", "9a000000000000", "7510", "8b048510000000", "8d442404", "f3a4", "2e8b00", "0fbae007"),
    *("6a00", "6800104000", "d9ee", "dd442408", "c3"),
)


@pytest.mark.parametrize("code", INSTRUCTIONS)
def test_an_instruction_ends_where_it_ends(code: str) -> None:
    """Each as an assembler for 32 bits writes it."""
    notes = np.zeros(INSTRUCTION_NOTES, np.int64)
    phases = []
    for byte in bytes.fromhex(code + "90"):
        phases.append(int(notes[PHASE]))
        read_instruction(notes, make_opcodes(), byte)
    inner = phases[2:-1] if code[:2] in ("66", "2e", "f3") else phases[1:-1]
    assert phases[0] == 0
    assert phases[-1] == 0
    assert all(inner)
