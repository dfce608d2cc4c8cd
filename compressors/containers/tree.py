"""Going through a tree of nodes."""

from collections.abc import Iterator, Sequence

from panini_daemon.compressors.containers.nodes import Chunk, Entry, Font, Node, Png, Split, Stream


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield every node of a tree, a parent before what is inside it."""
    for node in nodes:
        yield node
        if isinstance(node, (Stream, Png, Chunk, Split, Entry, Font)):
            yield from walk(node.inside)
