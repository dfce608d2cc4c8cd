"""container_parts_v1: a file whose compressed streams are undone, and what was in them compressed by what fits.

PNG, gzip, ZIP and what is built on it, PDF, and whatever else holds deflate streams, PNG or JPEG files.
docs/containers.md describes the payload.
"""

from collections.abc import Mapping, Sequence

from panini_daemon.compressors.containers.dissection import dissect
from panini_daemon.compressors.containers.groups import ALONE
from panini_daemon.compressors.containers.inflation import Allowance
from panini_daemon.compressors.containers.nodes import Entry, Font, Literal, Node, Stream
from panini_daemon.compressors.containers.payload import Codecs, read_payload, write_payload
from panini_daemon.compressors.containers.plan import limit_content
from panini_daemon.compressors.containers.reading import read_tree
from panini_daemon.compressors.containers.tree import walk
from panini_daemon.compressors.containers.writing import write_tree
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import NotApplicable, PluginNotLoadable
from panini_daemon.compressors.parameters import check_size
from panini_daemon.compressors.patience import estimate_inside
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer, Surroundings
from panini_daemon.compressors.registry import Registry

_OFFERS = {
    Level.BALANCED: Offer(saving=0.85, seconds=0.7),
    Level.BEST: Offer(saving=0.85, seconds=6.0),
    Level.MAX: Offer(saving=0.85, seconds=20.0),
}
_LEFT_OUT = ("container", "legacy")
"""Families that do not compress parts: this one, whose parts came apart already, and what only decodes."""


class ContainerParts(Compressor):
    """Streams undone, pixels and texts coded as such, and everything put back to the byte."""

    method = "container_parts_v1"
    reconstruction = "parts_into_container"
    family = "container"

    def __init__(self) -> None:
        """Know no other codecs yet."""
        self._registry: Registry | None = None

    def attach(self, surroundings: Surroundings) -> None:
        """Be told which codecs there are for what streams hold."""
        self._registry = surroundings.registry

    def offer(self, context: Context) -> Offer | None:
        """Offer itself for anything but text; it turns down quickly what holds nothing that comes apart."""
        return None if context.kind is Kind.TEXT else _OFFERS.get(context.level)

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Take the file apart and compress its parts. Raises NotApplicable where nothing comes apart."""
        if not data:
            return Encoded(b"")
        most = limit_content(len(data))
        allowance = Allowance(len(data), most)
        nodes = dissect(data, context.level, allowance)
        if not _has_parts(nodes):
            raise NotApplicable("the chunk holds no deflate stream, PNG or JPEG file that could be taken out of it")
        codecs = self._codecs(context.level, context.device)
        return Encoded(write_payload(write_tree(nodes), codecs, allowance.patience))

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Put the file together again. Raises PayloadDamaged."""
        del parameters
        if not size:
            return check_size(payload, 0)
        most = limit_content(size)
        channels = read_payload(payload, self._codecs(Level.BALANCED, device), most)
        return check_size(read_tree(channels, size, most), size)

    def memory(self, size: int, level: Level) -> int:
        """Count what streams hold, many times what they take where they are short, and its codecs with their tables."""
        own = 120 * size + (320 << 20) if level in (Level.BEST, Level.MAX) else 80 * size + (96 << 20)
        return own + estimate_inside(size, level)

    def _codecs(self, level: Level, device: Device) -> Codecs:
        registry = self._registry or Registry()
        exclude = frozenset(method for method in registry.names() if not _suits(registry, method))
        return Codecs(registry, exclude, level, device)


def _has_parts(nodes: Sequence[Node]) -> bool:
    """Tell whether a stream was undone, or files stand in one that are better compressed each by itself."""
    return any(
        isinstance(node, (Stream, Entry, Font))
        or (isinstance(node, Literal) and node.group == ALONE and len(nodes) > 1)
        for node in walk(nodes)
    )


def _suits(registry: Registry, method: str) -> bool:
    try:
        plugin = registry.get(method)
    except PluginNotLoadable:
        return False
    return plugin.family not in _LEFT_OUT and not plugin.uses_gpu
