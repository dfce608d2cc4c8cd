"""A container's payload: a list of channels, each with its codec, and what they are packed to.

The count of channels; for each, its method and parameters, its size, its packed size; then all packed channels.
The first channel is the plan.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from panini_daemon.compressors.classification import classify
from panini_daemon.compressors.containers.words import pack, unpack
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.numbers import Cursor, number
from panini_daemon.compressors.parameters import LARGEST, check_size
from panini_daemon.compressors.patience import Patience
from panini_daemon.compressors.protocol import Json, Kind, Level
from panini_daemon.compressors.registry import Registry
from panini_daemon.compressors.selection import FALLBACK, compress, decompress

MOST_CHANNELS = 4096
_TOO_SMALL = 12  # bytes: no codec saves any with its name
_SAMPLE = 1 << 15
_BARE = 0
"""Stands for a channel that is stored as it is."""


@dataclass(frozen=True, slots=True)
class _Head:
    method: str
    parameters: Mapping[str, Json]
    size: int
    packed: int


@dataclass(frozen=True, slots=True)
class Codecs:
    """With what channels are compressed: the registry's methods but the excluded ones."""

    registry: Registry
    exclude: frozenset[str]
    level: Level = Level.BALANCED
    device: Device = field(default_factory=Device)


def write_payload(channels: Sequence[bytes], codecs: Codecs, patience: Patience) -> bytes:
    """Compress each channel with whatever makes it smallest in the time there is, and put them together."""
    packed = [_pack_channel(channel, codecs, patience) for channel in channels]
    heads, bodies = zip(*packed, strict=True)
    return b"".join([number(len(channels)), *heads, *bodies])


def read_payload(payload: bytes, codecs: Codecs, most: int) -> list[bytes]:
    """Unpack the channels, of at most `most` bytes together. Raises PayloadDamaged."""
    cursor = Cursor(payload)
    heads = [_read_head(cursor) for _ in range(cursor.number(MOST_CHANNELS))]
    total = sum(head.size for head in heads)
    if not heads or total > most:
        raise PayloadDamaged(
            f"a container's {len(heads)} channels claim {total} bytes; expected one or more, and at most {most}; "
            "restore compressed.bin from a copy"
        )
    channels = [_unpack_channel(cursor.take(head.packed), head, codecs) for head in heads]
    if not cursor.is_done():
        raise PayloadDamaged("a container's payload goes on behind its channels; restore compressed.bin from a copy")
    return channels


def _pack_channel(channel: bytes, codecs: Codecs, patience: Patience) -> tuple[bytes, bytes]:
    bare = bytes([_BARE]) + number(len(channel))
    if len(channel) < _TOO_SMALL or _is_packed(channel):
        return bare, channel
    found = compress(
        channel,
        registry=codecs.registry,
        level=patience.choose(codecs.level, len(channel)),
        device=codecs.device,
        exclude=codecs.exclude,
        checked=False,  # the whole container is decoded before it counts
    )
    codec = pack(found.method, found.parameters)
    if codec is None:
        return bare, channel
    head = codec + number(len(channel)) + number(len(found.payload))
    if len(head) + len(found.payload) >= len(bare) + len(channel):
        return bare, channel
    return head, found.payload


def _is_packed(channel: bytes) -> bool:
    """Tell what no codec makes smaller, and what it would take long to try."""
    middle = len(channel) // 2
    sample = channel[middle : middle + _SAMPLE]
    return classify(channel) is Kind.COMPRESSED and len(zlib.compress(sample, 1)) >= len(sample)


def _read_head(cursor: Cursor) -> _Head:
    if cursor.take(1)[0] == _BARE:
        size = cursor.number(LARGEST)
        return _Head(FALLBACK, {}, size, size)
    cursor.at -= 1
    method, parameters = unpack(cursor)
    return _Head(method, parameters, cursor.number(LARGEST), cursor.number(LARGEST))


def _unpack_channel(body: bytes, head: _Head, codecs: Codecs) -> bytes:
    if head.method in codecs.exclude or head.method not in codecs.registry.names():
        raise PayloadDamaged(
            f"a container's channel has the method {head.method[:40]!r}, which it cannot have; restore compressed.bin "
            "from a copy, or install the plugin that has it"
        )
    channel = decompress(
        body,
        registry=codecs.registry,
        method=head.method,
        parameters=head.parameters,
        size=head.size,
        device=codecs.device,
    )
    return check_size(channel, head.size)
