"""Sample files for a first look: made on the spot, the same on every machine of one Python version."""

import array
import json
import math
import pydoc_data.topics
import random
import struct
import wave
from pathlib import Path

_WIDTH, _HEIGHT = 320, 240


def make_samples(folder: Path) -> list[Path]:
    """Write a dozen small files of the kinds that arrive, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = random.Random(1)  # noqa: S311  sample data
    prose = "\n\n".join(text for _, text in sorted(pydoc_data.topics.topics.items()))
    (folder / "handbook.txt").write_text(prose, encoding="utf-8")
    (folder / "records.json").write_text(_records(noise), encoding="utf-8")
    (folder / "measurements.csv").write_text(_measurements(noise), encoding="utf-8")
    (folder / "landscape.bmp").write_bytes(_bitmap())
    _tone(folder / "tone.wav", noise)
    _photo(folder / "landscape.jpg", folder / "landscape.bmp")
    (folder / "counters.bin").write_bytes(
        array.array("I", (n * 977 + noise.randrange(64) for n in range(100_000))).tobytes()
    )
    (folder / "random.bin").write_bytes(noise.randbytes(200_000))
    (folder / "signature.bin").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "empty.txt").write_bytes(b"")
    return sorted(folder.iterdir())


def _records(noise: random.Random) -> str:
    places = ("Lyon", "Québec", "Pune", "Oslo", "Dakar", "Lima")
    rows = [
        {
            "id": number,
            "place": noise.choice(places),
            "value": round(noise.gauss(20, 5), 2),
            "ok": number % 7 != 0,
        }
        for number in range(4000)
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1)


def _measurements(noise: random.Random) -> str:
    lines = (f"2026-01-{1 + n // 500:02d},{n},{20 + noise.gauss(0, 1):.3f},{n % 24}" for n in range(10_000))
    return "day,n,temperature,hour\n" + "\n".join(lines) + "\n"


def _bitmap() -> bytes:
    """Return a 24-bit BMP of rolling hills under a graded sky."""
    rows = bytearray()
    for y in range(_HEIGHT):
        for x in range(_WIDTH):
            hill = 60 + 25 * math.sin(x / 37) + 12 * math.sin(x / 11 + 2)
            shade = int(12 * math.sin(x * 0.9) * math.sin(y * 0.7))
            rows += (
                bytes((40 + shade // 2, min(255, 90 + y + shade), 50 + shade // 3))
                if y < hill
                else bytes((255 - y // 3, 180 - y // 4, min(255, 90 + y // 2)))
            )
    header = struct.pack("<2sIHHI", b"BM", 54 + len(rows), 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, _WIDTH, _HEIGHT, 1, 24, 0, len(rows), 2835, 2835, 0, 0)
    return header + info + bytes(rows)


def _tone(path: Path, noise: random.Random) -> None:
    samples = (int(9000 * math.sin(n / 20) + 4000 * math.sin(n / 7.3) + noise.gauss(0, 60)) for n in range(60_000))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(array.array("h", samples).tobytes())


def _photo(path: Path, bitmap: Path) -> None:
    from PIL import Image  # noqa: PLC0415  heavy, and only for this one file

    with Image.open(bitmap) as image:
        image.save(path, format="JPEG", quality=88)
