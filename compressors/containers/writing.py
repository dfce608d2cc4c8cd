"""Writing a tree down: the plan, and the channels that hold its bytes."""

from collections import Counter
from collections.abc import Sequence

from panini_daemon.compressors.containers.nodes import (
    Chunk,
    Directory,
    Entry,
    Font,
    Known,
    Literal,
    Node,
    Picture,
    Png,
    Rows,
    Source,
    Split,
    Stream,
)
from panini_daemon.compressors.containers.payload import MOST_CHANNELS
from panini_daemon.compressors.containers.plan import Step
from panini_daemon.compressors.containers.tree import walk
from panini_daemon.compressors.numbers import number

CORRECTIONS, FIELDS, FILTERS, PIXELS, MIXED = "corrections", "fields", "filters", "pixels", "mixed"
_WORTH_A_CHANNEL = 768
"""Bytes: a smaller group goes with the other small ones."""
_APART = ("pixels", "corrections")
"""Groups that are hard to compress and would spoil others' statistics, however small they are."""


def write_tree(nodes: Sequence[Node]) -> list[bytes]:
    """Write the plan and the channels; the plan comes first."""
    writer = _Writer(_merge_small(_measure(nodes)))
    writer.write_all(nodes)
    return [bytes(writer.plan), *map(bytes, writer.channels)]


def _measure(nodes: Sequence[Node]) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for node in walk(nodes):
        for group, data in _pieces(node):
            sizes[group] += len(data)
    return sizes


def _pieces(node: Node) -> list[tuple[str, bytes]]:
    """List what a node puts into channels, in the order in which it is read."""
    if isinstance(node, Literal):
        return [(node.group, node.data)]
    if isinstance(node, Stream):
        return [(CORRECTIONS, node.corrections)]
    if isinstance(node, Rows):
        return [*((FILTERS, told[1:]) for told in node.filters), (PIXELS, node.stream)]
    if isinstance(node, Entry):
        return [(FIELDS, node.header)]
    if isinstance(node, Directory):
        return [(FIELDS, node.headers)]
    return []


def _merge_small(sizes: Counter[str]) -> dict[str, str]:
    """Name each group's channel."""
    small = [group for group, size in sizes.items() if size < _WORTH_A_CHANNEL and group not in _APART]
    return {group: MIXED if group in small else group for group in sizes}


class _Writer:
    def __init__(self, names: dict[str, str]) -> None:
        self.plan = bytearray()
        self.channels: list[bytearray] = []
        self._names = names
        self._numbers: dict[str, int] = {}
        self._encoders: list[bytes] = []

    def write_all(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            self._write(node)
        self._add(Step.END)

    def _write(self, node: Node) -> None:
        if isinstance(node, Literal):
            self._add(Step.LITERAL)
            self._put(node.data, node.group)
        elif isinstance(node, Stream):
            self._write_stream(node)
        elif isinstance(node, Rows):
            self._write_rows(node)
        elif isinstance(node, Known):
            self._add(Step.KNOWN, node.place)
        elif isinstance(node, Directory):
            self._add(Step.DIRECTORY, node.count)
            self._put(node.headers, FIELDS)
        else:
            self._write_parent(node)

    def _write_parent(self, node: Png | Chunk | Split | Entry | Font) -> None:
        if isinstance(node, Png):
            self._add(Step.PNG, node.ended * 2 + node.interlaced)
            self._add_picture(node.picture)
        elif isinstance(node, Chunk):
            self._add(Step.CHUNK)
            self.plan += node.name
        elif isinstance(node, Font):
            self._add(Step.FONT, node.start, node.count)
        elif isinstance(node, Split):
            self._write_split(node)
        else:
            self._add(Step.ENTRY, node.descriptor)
            self._put(node.header, FIELDS)
        self.write_all(node.inside)

    def _write_stream(self, node: Stream) -> None:
        if node.encoder not in self._encoders:
            self._encoders.append(node.encoder)
            self._add(Step.STREAM, node.wrapper, len(self._encoders) - 1, len(node.encoder))
            self.plan += node.encoder
        else:
            self._add(Step.STREAM, node.wrapper, self._encoders.index(node.encoder))
        self._put(node.corrections, CORRECTIONS)
        self.write_all(node.inside)

    def _write_rows(self, node: Rows) -> None:
        self._add(Step.ROWS, node.source)
        if node.source is Source.STEP:
            self._add_picture(node.picture)
        for told in node.filters:
            self.plan += told[:1]
            if len(told) > 1:
                self._add(self._append(told[1:], FILTERS))
        self._put(node.stream, PIXELS)

    def _write_split(self, node: Split) -> None:
        """Write sizes as the one that all but the last have; 0 for one chunk alone, 1 before a list of sizes."""
        first, last = node.sizes[0], node.sizes[-1]
        if len(node.sizes) == 1:
            self._add(Step.SPLIT, 0)
        elif first > 1 and all(size == first for size in node.sizes[:-1]) and 0 < last <= first:
            self._add(Step.SPLIT, first)
        else:
            self._add(Step.SPLIT, 1, len(node.sizes), *node.sizes)

    def _add_picture(self, picture: Picture) -> None:
        self._add(picture.width, picture.height, picture.bits, picture.colour)

    def _put(self, data: bytes, group: str) -> None:
        """Append to a group's channel, and tell the plan how much; and where, unless it is nothing."""
        self._add(len(data))
        if data:
            self._add(self._append(data, group))

    def _append(self, data: bytes, group: str) -> int:
        name = self._names.get(group, group)
        channel = self._numbers.get(name) if name else None
        if channel is None:
            channel = len(self.channels)
            full = channel >= MOST_CHANNELS - len(self._names) - 1
            if full and not name:
                return self._append(data, MIXED)
            self.channels.append(bytearray())
            if name:
                self._numbers[name] = channel
        self.channels[channel] += data
        return channel

    def _add(self, *values: int) -> None:
        for value in values:
            self.plan += number(value)
