"""Estimating what parts of a file are compressed to, before they are."""

import lzma
from collections.abc import Sequence

from panini_daemon.compressors.containers.nodes import Literal, Node, Rows, Stream
from panini_daemon.compressors.containers.tree import walk

_RAW = [{"id": lzma.FILTER_LZMA1, "preset": 6, "dict_size": 1 << 22}]


def weigh(nodes: Sequence[Node]) -> int:
    """Estimate the bytes that nodes take: pixels and corrections are coded already, other bytes as LZMA has them."""
    total = 0
    for node in walk(nodes):
        if isinstance(node, Literal):
            total += weigh_bytes(node.data)
        elif isinstance(node, Rows):
            total += len(node.stream)
        elif isinstance(node, Stream):
            total += len(node.corrections)
    return total


def weigh_bytes(data: bytes) -> int:
    """Return what LZMA makes of some bytes."""
    return len(lzma.compress(data, lzma.FORMAT_RAW, filters=_RAW))
