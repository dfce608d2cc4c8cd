"""Decoders written from docs/methods.md: none of this project's code, only libraries that read the formats it names."""

import bz2
import io
import lzma
import re
import zlib
from collections.abc import Iterator
from typing import Any

from fakes.markdown import read


def decode(method: str, payload: bytes, size: int, told: dict[str, Any]) -> bytes:
    if method in ("generic_gzip_v1", "semantic_text_v1"):
        import gzip

        return gzip.decompress(payload)
    if not size:
        assert payload == b""
        return b""
    return {
        "passthrough_v1": lambda: payload,
        "generic_zstd_v1": lambda: unzstd(payload, size, told),
        "generic_brotli_v1": lambda: unbrotli(payload),
        "generic_bzip2_v1": lambda: bz2.decompress(b"BZh9" + payload),
        "generic_xz_v1": lambda: unlzma(payload, size, told),
        "generic_ppmd_v1": lambda: unfilter(unppmd(payload, size, told), told),
        "text_ppmd_v1": lambda: untransform(unppmd(payload, told["length"], told)),
        "image_jxl_v1": lambda: unjxl(payload),
        "image_pixels_v1": lambda: unpixels(payload, told),
    }[method]()


def unzstd(payload: bytes, size: int, told: dict[str, Any]) -> bytes:
    import zstandard

    decoder = zstandard.ZstdDecompressor(max_window_size=1 << told["window_log"])
    magic = re.search(r"put `((?:[0-9A-F]{2} ?)+)` in front", read("docs/methods.md"))
    assert magic
    return decoder.stream_reader(bytes.fromhex(magic[1]) + payload).read(size + 1)


def unbrotli(payload: bytes) -> bytes:
    import brotli

    return bytes(brotli.decompress(payload))


def unlzma(payload: bytes, size: int, told: dict[str, Any]) -> bytes:
    header = bytes([(told["pb"] * 5 + told["lp"]) * 9 + told["lc"]]) + (1 << told["dict_log"]).to_bytes(4, "little")
    file = header + b"\xff" * 8 + b"\0" + payload + bytes(16)
    return unfilter(lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(file, size), told)


def unfilter(data: bytes, told: dict[str, Any]) -> bytes:
    name = told.get("filter", "none")
    if name == "x86":  # an .xz file's own way of naming filter 04: a stored LZMA2 block under it
        packed = lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}])
        return lzma.decompress(packed, lzma.FORMAT_RAW, filters=[{"id": 0x04}, {"id": lzma.FILTER_LZMA2, "preset": 0}])
    if name.startswith("delta"):
        distance, out = int(name.removeprefix("delta")), bytearray(data)
        for at in range(distance, len(out)):
            out[at] = (out[at] + out[at - distance]) & 255
        return bytes(out)
    assert name == "none"
    return data


def unppmd(payload: bytes, size: int, told: dict[str, Any]) -> bytes:
    import pyppmd

    decoder = pyppmd.Ppmd7Decoder(told["order"], 1 << told["memory_log"])
    out = decoder.decode(b"\0" + payload + bytes(1 << 16), size)
    assert len(out) == size
    return bytes(out)


def untransform(text: bytes) -> bytes:
    letters, at, point = [], 1, 0x7F
    for _ in range(text[0]):
        distance, shift = 0, 0
        while text[at] >= 0x80:
            distance, shift, at = distance | (text[at] & 0x7F) << shift, shift + 7, at + 1
        point, at = point + 1 + (distance | text[at] << shift), at + 1
        letters.append(chr(point))
    chars: list[str] = []
    while at < len(text):
        byte, length = text[at], 1
        if byte == 0xFF:
            first = text[at + 1]
            length = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
            chars.append(text[at + 1 : at + 1 + length].decode("utf-8", "surrogatepass"))
            length += 1
        else:
            chars.append(letters[byte - 0x80] if byte >= 0x80 else chr(byte))
        at += length
    return write(capitalise(chars))


def told_capitals() -> list[tuple[int, int, int]]:
    """Read the page's table: first capital, last capital, how far above the small letter is."""
    text = read("docs/methods.md").partition("Capitals and their small letters")[2].partition("no others")[0]
    found = re.findall(r"\b([0-9A-F]{2,3})-([0-9A-F]{2,3})\b|small letter (\d+)\s+above", text)
    ranges: list[tuple[int, int, int]] = []
    waiting: list[tuple[int, int]] = []
    for low, high, step in found:
        if step:
            ranges += [(*one, int(step, 16)) for one in waiting]
            waiting = []
        else:
            waiting.append((int(low, 16), int(high, 16)))
    return ranges


def capitalise(chars: list[str]) -> Iterator[str]:
    capital = {chr(at + step): chr(at) for low, high, step in told_capitals() for at in range(low, high + 1)}
    at = 0
    while at < len(chars):
        if chars[at] == "\x01":
            yield capital[chars[at + 1]]
            at += 2
        elif chars[at] == "\x02":
            at += 1
            while at < len(chars) and chars[at] in capital:
                yield capital[chars[at]]
                at += 1
        else:
            at += chars[at] == "\x03"
            yield chars[at]
            at += 1


def write(chars: Iterator[str]) -> bytes:
    return b"".join(
        bytes([ord(char) - 0xDC00]) if 0xDC80 <= ord(char) <= 0xDCFF else char.encode("utf-8", "surrogatepass")
        for char in chars
    )


def unjxl(payload: bytes) -> bytes:
    import imagecodecs

    assert b"jbrd" in payload
    return bytes(imagecodecs.jpegxl_decode_jpeg(payload))


def unpixels(payload: bytes, told: dict[str, Any]) -> bytes:
    import numpy as np
    from PIL import Image

    end = 4 + int.from_bytes(payload[:4], "little")
    others = io.BytesIO(zlib.decompress(payload[end:], -15))
    if told["coder"] == "webp":
        image = np.asarray(Image.open(io.BytesIO(payload[4:end])).convert("RGB" if told["channels"] == 3 else "RGBA"))
    else:
        import imagecodecs

        assert payload[4:].startswith((b"\xff\x0a", b"\0\0\0\x0cJXL "))
        image = imagecodecs.jpegxl_decode(payload[4:end])
    samples = image.reshape(told["height"], told["width"], told["channels"])
    if told["bgr"]:
        samples = samples[:, :, [2, 1, 0, 3][: told["channels"]]]
    samples = samples.astype((">" if told["big"] else "<") + f"u{told['bits'] // 8}")
    rows = [row.tobytes() for row in samples]
    width = told["width"] * told["channels"] * told["bits"] // 8
    file = others.read(told["offset"])
    for number, row in enumerate(rows):
        assert len(row) == width
        file += row + (others.read(told["stride"] - width) if number < len(rows) - 1 else b"")
    return file + others.read()
