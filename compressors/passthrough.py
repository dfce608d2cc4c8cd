"""passthrough_v1: the bytes as they are, for what nothing makes smaller."""

from collections.abc import Mapping

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.parameters import check_size
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Level


class Passthrough(Compressor):
    """Store the bytes."""

    method = "passthrough_v1"
    reconstruction = "passthrough"
    family = "passthrough"

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Return the data as its own payload."""
        del context
        return Encoded(data)

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Return the payload. Raises PayloadDamaged where it has another size."""
        del parameters, device
        return check_size(payload, size)

    def memory(self, size: int, level: Level) -> int:
        """Need nothing beside the data."""
        del size, level
        return 0
