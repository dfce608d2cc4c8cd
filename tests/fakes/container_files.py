"""Small files with compressed streams in them, usual ones and odd ones."""

import gzip
import io
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from panini_daemon.compressors.containers.font_cipher import encode_font

TEXT = b"".join(
    b"The daemon leases chunk %d of %d, compresses it, and proves that it decodes.\n" % (n, 60) for n in range(60)
)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def make_picture(width: int, height: int, channels: int) -> np.ndarray:
    row, column, channel = np.mgrid[0:height, 0:width, 0:channels]
    return ((row * 5 + column * 3 + channel * 40) ^ (row * column // 7)).astype(np.uint8)


def save(picture: np.ndarray, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture.squeeze()).save(out, form, **options)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def header(width: int, height: int, bits: int, colour: int, interlace: int = 0) -> bytes:
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace))


def png(
    rows: bytes, head: bytes, *, sizes: Sequence[int] = (), level: int = 6, more: bytes = b"", trailing: bytes = b""
) -> bytes:
    """Make a PNG file of filtered rows, its stream cut into chunks of these sizes and one with what is left."""
    data, parts = zlib.compress(rows, level) + more, b""
    for size in sizes:
        parts += chunk(b"IDAT", data[:size])
        data = data[size:]
    return head + parts + chunk(b"IDAT", data) + chunk(b"IEND", b"") + trailing


def png_of(bits: int, colour: int, width: int = 37, height: int = 23) -> bytes:
    """Make a PNG file of any kind, with each of the five filters in turn and bytes that vary smoothly."""
    channels = {2: 3, 4: 2, 6: 4}.get(colour, 1)
    stride = (width * channels * bits + 7) // 8
    rows = b"".join(bytes([y % 5]) + bytes((x * 3 + y * 7) & 255 for x in range(stride)) for y in range(height))
    palette = chunk(b"PLTE", bytes(3 << bits)) if colour == 3 else b""
    return png(rows, header(width, height, bits, colour) + palette)


def png_files() -> dict[str, bytes]:
    kinds = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    files = {f"png {colour} {bits}": png_of(bits, colour) for colour, all_bits in kinds.items() for bits in all_bits}
    photo = save(make_picture(48, 40, 3), "PNG", dpi=(96, 96))
    head, rows = header(9, 12, 8, 0), b"".join(bytes([2]) + bytes(range(y, y + 9)) for y in range(12))
    files |= {
        "png of pillow": photo,
        "png cut in its stream": photo[:-200],
        "png cut in its header": photo[:20],
        "png with trailing bytes": photo + b"trailing" * 9,
        "png with a wrong CRC": photo[:40] + bytes([photo[40] ^ 1]) + photo[41:],
        "png with a wrong CRC of IDAT": photo[:-13] + bytes([photo[-13] ^ 1]) + photo[-12:],
        "png of even chunks": png(rows, head, sizes=[20, 20, 20]),
        "png of uneven chunks": png(rows, head, sizes=[3, 17, 4]),
        "png with empty chunks": png(rows, head, sizes=[0, 10, 0, 5]),
        "png with one byte a chunk": png(rows, head, sizes=[1] * 12),
        "png with bytes behind its stream": png(rows, head, more=b"more bytes than there should be"),
        "png with too many rows": png(rows * 2, head),
        "png with too few rows": png(rows[:-7], head),
        "png with a filter that there is not": png(rows.replace(b"\2", b"\7"), head),
        "png interlaced": png(bytes(range(200)), header(8, 8, 8, 2, 1)),
        "png without rows": png(b"", head),
        "png without a stream": head + chunk(b"IEND", b""),
        "png with a wrong Adler-32": _spoil_checksum(rows, head),
        "png with text and profile": head
        + chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(TEXT))
        + chunk(b"tEXt", b"Software\0Adobe ImageReady")
        + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(TEXT, 9))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b""),
    }
    return files


def gzip_files() -> dict[str, bytes]:
    plain = gzip.compress(TEXT, mtime=0)
    named = plain[:3] + bytes([2 + 4 + 8 + 16]) + plain[4:10] + b"\5\0extra" + b"name.txt\0" + b"comment\0" + b"cc"
    return {
        "gzip": plain,
        "gzip of many members": b"".join(
            gzip.compress(TEXT[at : at + 900], level, mtime=at) for at, level in ((0, 9), (300, 1), (900, 6))
        ),
        "gzip with every field": named + plain[10:],
        "gzip with a wrong CRC": plain[:-8] + bytes(4) + plain[-4:],
        "gzip cut": plain[:-60],
        "gzip cut in its header": named[:12],
        "gzip in gzip": gzip.compress(gzip.compress(TEXT, mtime=0) + TEXT, mtime=0),
        "gzip too deep": _wrap(8),
    }


def zip_files() -> dict[str, bytes]:
    plain = make_zip(io.BytesIO())
    late = make_zip(_Unseekable())
    return {
        "zip": plain,
        "zip with descriptors": late,
        "zip with plain descriptors": late.replace(b"PK\x07\x08", b""),
        "zip of large entries": _make_large_zip(),
        "zip that is encrypted": _set_flags(plain, 1),
        "zip of a method unknown": plain.replace(b"\x14\0\0\0\x08\0", b"\x14\0\0\0\x63\0"),
        "zip with a prefix": b"#!/bin/sh\n" + plain,
        "zip cut": plain[:-70],
        "zip cut in an entry": plain[:300],
        "zip without entries": plain[plain.index(b"PK\x01\x02") :],
        "zip twice": plain + plain,
    }


def make_zip(out: io.BytesIO) -> bytes:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("folder/text.txt", (2020, 1, 2, 3, 4, 6)), TEXT, zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo("folder/stored.txt", (2020, 1, 2, 3, 4, 6)), TEXT[:100])
        archive.writestr(zipfile.ZipInfo("empty"), b"")
        picture = save(make_picture(20, 20, 3), "PNG")
        archive.writestr(zipfile.ZipInfo("picture.png"), picture)
        archive.writestr(zipfile.ZipInfo("inner.zip"), _make_inner())
        archive.comment = b"a comment"
    return out.getvalue()


def pdf_files() -> dict[str, bytes]:
    usual = make_pdf(len)
    return {
        "pdf": usual,
        "pdf with wrong lengths": make_pdf(lambda _: 7),
        "pdf cut": usual[: len(usual) // 2],
        "pdf without its checksums": make_pdf(len, cut=4),
    }


def make_pdf(length: Callable[[bytes], int], cut: int = 0) -> bytes:
    picture = make_picture(24, 16, 3)
    filtered = b"".join(bytes([2]) + row.tobytes() for row in picture)
    streams = [
        (b"", b"BT /F1 12 Tf 72 720 Td (Hello) Tj ET\n" * 40),
        (b"/Subtype /Image /Width 24 /Height 16 /BitsPerComponent 8 /ColorSpace /DeviceRGB", picture.tobytes()),
        (b"/DecodeParms << /Predictor 15 /Colors 3 /Columns 24 >>", filtered),
        (b"/Length1 100", make_font()),
    ]
    out = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    for number, (told, content) in enumerate(streams):
        packed = zlib.compress(content, 9)
        packed = packed[: len(packed) - cut]
        out += b"%d 0 obj\n<< /Filter /FlateDecode %s /Length %d >>\nstream\n" % (number, told, length(packed))
        out += packed + b"\nendstream\nendobj\n"
    jpeg = save(picture, "JPEG")
    out += b"9 0 obj\n<< /Filter /DCTDecode /Length %d >>\nstream\r\n" % len(jpeg) + jpeg + b"\r\nendstream\nendobj\n"
    return out + b"trailer\n<< >>\n%%EOF\n"


def make_font(tail: bytes = b"\n" + (b"0" * 64 + b"\n") * 8 + b"cleartomark\n") -> bytes:
    glyphs = b"".join(
        b"/g%d %d RD " % (n, 20 + n % 9) + bytes([139, n, 13] * 20)[: 20 + n % 9] + b" ND\n" for n in range(40)
    )
    return (
        b"%!PS-AdobeFont-1.0: Some\ncurrentfile eexec\n"
        + encode_font(b"0123dup /Private\n/CharStrings\n" + glyphs)
        + tail
    )


def make_segments() -> bytes:
    """Make a PFB file."""
    head, coded = make_font(b"").split(b"eexec\n", 1)
    parts = [(1, head + b"eexec\r"), (2, coded), (1, b"0" * 64 + b"\rcleartomark\r")]
    return b"".join(bytes([128, kind]) + struct.pack("<I", len(part)) + part for kind, part in parts) + b"\x80\x03"


def other_files() -> dict[str, bytes]:
    noise = random.Random(5).randbytes(300)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in {
            "a.png": save(make_picture(30, 20, 3), "PNG"),
            "b.jpg": save(make_picture(40, 40, 3), "JPEG"),
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return {
        "tar of pictures": out.getvalue(),
        "tar of pictures in gzip": gzip.compress(out.getvalue(), mtime=0),
        "zlib among noise": noise + zlib.compress(TEXT) + noise,
        "zlib with a small window": noise + _small_window() + noise,
        "zlib of nothing much": noise + zlib.compress(b"abc") + zlib.compress(TEXT, 0),
        "jpeg cut among noise": noise + save(make_picture(40, 40, 3), "JPEG")[:-200] + zlib.compress(TEXT),
        "two jpegs": save(make_picture(40, 40, 3), "JPEG") * 2,
        "font that is none": zlib.compress(b"%!PS-AdobeFont-1.0: x\neexec\n" + noise * 3),
        "font of segments": make_segments(),
        "font of little": zlib.compress(make_font(b"")),
    }


def all_files() -> dict[str, bytes]:
    """Return every file by its name."""
    return png_files() | gzip_files() | zip_files() | pdf_files() | other_files()


class _Unseekable(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def _make_inner() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("one"), TEXT[:500], zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _make_large_zip() -> bytes:
    out, entry = io.BytesIO(), zipfile.ZipInfo("large")
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out, "w") as archive, archive.open(entry, "w", force_zip64=True) as file:
        file.write(TEXT)
    return out.getvalue()


def _set_flags(data: bytes, flags: int) -> bytes:
    at = data.index(b"PK\x03\x04") + 6
    return data[:at] + bytes([data[at] | flags]) + data[at + 1 :]


def _spoil_checksum(rows: bytes, head: bytes) -> bytes:
    stream = zlib.compress(rows)
    return head + chunk(b"IDAT", stream[:-4] + b"spoi") + chunk(b"IEND", b"")


def _small_window() -> bytes:
    encoder = zlib.compressobj(9, zlib.DEFLATED, 10)
    return encoder.compress(TEXT) + encoder.flush()


def _wrap(times: int) -> bytes:
    data = TEXT
    for _ in range(times):
        data = gzip.compress(data, mtime=0)
    return data
