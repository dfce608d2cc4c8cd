"""Coding whole numbers bit by bit with a predictor whose contexts are set."""

from panini_daemon.compressors.jpeg.prediction import NODES, Predictor, code_bit
from panini_daemon.compressors.kernels import kernel

_UNARY, _EXPONENTS, _LARGEST = 4, 14, 40000
MANTISSAS = 3072
"""Sets of weights of the first mixer that bits behind the leading ones use."""


@kernel
def level(value: int) -> int:
    """Quantise a magnitude: exact to 4, then two steps an octave; at most 31."""
    if value < 5:
        return value
    size = 2
    while value >> size + 1:
        size += 1
    return min(2 * size + (value >> size - 1 & 1) + 1, 31)


@kernel
def signed_level(value: int) -> int:
    """Quantise a number with its sign, 0 to 62."""
    return 31 + level(value) if value >= 0 else 31 - level(-value)


@kernel
def code_magnitude(p: Predictor, count: int, value: int) -> int:
    """Code a number of 1 to 40003 and return it: up to 4 by ones, the rest by exponent and mantissa.

    The leading bits are nodes 2 to 13 of the contexts. Raises ValueError for a number that is none.
    """
    found = 1
    home = p.selected[0]
    while found < _UNARY:
        p.selected[0] = home + found + 1
        more = code_bit(p, count, found + 1, int(value > found))
        if not more:
            p.selected[0] = home
            return found
        found += 1
    rest = value - _UNARY + 1
    size = 0
    while size < _EXPONENTS + 1:
        node = min(5 + size, 13)
        p.selected[0] = home + node
        if not code_bit(p, count, node, int(rest >> size + 1 > 0)):
            break
        size += 1
    read = code_mantissa(p, count, size, rest)
    p.selected[0] = home
    if read > _LARGEST:
        raise ValueError("a number is too large")
    return read + _UNARY - 1


@kernel
def code_mantissa(p: Predictor, count: int, size: int, value: int) -> int:
    """Code the bits behind the leading one of a number; return it."""
    read = 1
    other = size * NODES
    for at in range(count):
        p.bases[at] ^= other
    for place in range(size - 1, -1, -1):
        behind = size - 1 - place
        node = 1 if behind == 0 else 2 + (read & 1) if behind == 1 else 4 + min(behind, 11)
        p.selected[0] = MANTISSAS + min(size, 15) * NODES + node
        read = 2 * read + code_bit(p, count, node, value >> place & 1)
    for at in range(count):
        p.bases[at] ^= other
    return read


@kernel
def code_tree(p: Predictor, count: int, base: int, value: int) -> int:
    """Code a number of 0 to 63, four bits in the contexts' nodes and two in neighbours; return it."""
    tree = 1
    for place in range(5, -1, -1):
        node = tree
        if place < 2:
            node = 1 if place == 1 else 2 + (tree & 1)
        if place == 1:
            for at in range(count):
                p.bases[at] ^= (tree & 15) * NODES + NODES
        p.selected[0] = base + tree
        tree = 2 * tree + code_bit(p, count, node, value >> place & 1)
    return tree - 64
