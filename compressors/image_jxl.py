"""image_jxl_v1: a JPEG file as a JPEG XL transcode, from which the exact original file comes back."""

from collections.abc import Mapping

from panini_daemon.compressors import jxl
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged
from panini_daemon.compressors.jpeg.dimensions import count_pixels
from panini_daemon.compressors.parameters import check_size
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer

_JPEG = b"\xff\xd8\xff"
_PIXELS_PER_BYTE = 256  # of a JPEG file; photographs have 2 to 20. Bounds what a damaged payload can make allocate
_SOME_PIXELS = 1 << 16
_ROOM = 8  # times the payload that the file may have at first; JPEG XL saves a fifth of a usual one
_TOO_SMALL = "output buffer"


class ImageJxl(Compressor):
    """JPEG XL's lossless recompression of JPEG: the same coefficients, better coded."""

    method = "image_jxl_v1"
    reconstruction = "jxl_to_jpeg"
    family = "image"

    def offer(self, context: Context) -> Offer | None:
        """Offer itself for images; it turns down what is no JPEG at once."""
        if context.level is Level.FAST or context.kind is not Kind.IMAGE:
            return None
        return Offer(saving=0.80, seconds=0.4)

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Transcode and check that the file comes back. Raises NotApplicable."""
        if not data:
            return Encoded(b"")
        if not data.startswith(_JPEG):
            raise NotApplicable(f"the chunk begins with {data[:3].hex()}; expected a JPEG file (ffd8ff)")
        pixels = count_pixels(data)
        if pixels is None or pixels > _most_pixels(len(data)):
            # Without memory for what a damaged header claims, the library ends the process.
            raise NotApplicable(f"the JPEG file of {len(data)} bytes claims {pixels or 'no'} pixels")
        import imagecodecs  # noqa: PLC0415  large; only image chunks should pay for it

        try:
            payload = bytes(imagecodecs.jpegxl_encode_jpeg(data, numthreads=1))
            exact = self.decompress(payload, {}, len(data), context.device) == data
        except (imagecodecs.JpegxlError, PayloadDamaged, ValueError) as error:
            raise NotApplicable(f"JPEG XL cannot carry this JPEG file: {error}") from error
        if not exact:
            raise NotApplicable("JPEG XL does not give this JPEG file back exactly")
        return Encoded(payload)

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Rebuild the JPEG file. Raises PayloadDamaged."""
        del parameters, device
        if not size:
            return check_size(payload, 0)
        width, height = jxl.read_dimensions(payload)
        if width * height > _most_pixels(size):
            raise PayloadDamaged(f"the payload claims {width} x {height} pixels for a file of {size} bytes")
        import imagecodecs  # noqa: PLC0415

        # The buffer grows with what comes out: only the recipe says how large the file is.
        room = min(size, _ROOM * (len(payload) + 1))
        while True:
            try:
                data = imagecodecs.jpegxl_decode_jpeg(payload, numthreads=1, out=bytearray(room))
            except (imagecodecs.JpegxlError, RuntimeError, ValueError) as error:
                if room == size or _TOO_SMALL not in str(error):
                    raise PayloadDamaged(
                        f"the JPEG XL stream is damaged ({error}); restore compressed.bin from a copy"
                    ) from error
                room = min(size, _ROOM * room)
            else:
                return check_size(bytes(data), size)

    def memory(self, size: int, level: Level) -> int:
        """Count coefficients and contexts for ten pixels a byte of file."""
        del level
        return 400 * size + (64 << 20)


def _most_pixels(size: int) -> int:
    return _PIXELS_PER_BYTE * size + _SOME_PIXELS
