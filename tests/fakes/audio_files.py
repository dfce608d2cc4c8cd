"""Small audio files: a chord with a little noise."""

import io
import random
import wave

import numpy as np


def tone(frames: int, channels: int = 1, width: int = 2) -> bytes:
    """Return a chord with a little noise."""
    random.seed(5)
    time = np.arange(frames)[:, None] + np.arange(channels)[None, :] * 3
    level = 100 if width == 1 else 9000 if width == 2 else 2_000_000
    sound = level * (np.sin(time / 9) + 0.4 * np.sin(time / 3.7)) / 1.5
    noise = np.array([[random.randrange(-3, 4) for _ in range(channels)] for _ in range(frames)])
    numbers = sound.astype(np.int64) + noise
    if width == 1:
        return bytes((numbers + 128).clip(0, 255).astype(np.uint8).tobytes())
    return numbers.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :width].tobytes()


def wav(frames: int = 400, channels: int = 1, width: int = 2) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((channels, width, 44100, frames, "NONE", ""))
        file.writeframes(tone(frames, channels, width))
    return out.getvalue()


def aiff(frames: int = 400, width: int = 2, coding: bytes = b"") -> bytes:
    samples = tone(frames, 1, width) if width > 1 else bytes(value ^ 128 for value in tone(frames, 1, 1))
    if coding != b"sowt":
        samples = b"".join(samples[at : at + width][::-1] for at in range(0, len(samples), width))
    common = (1).to_bytes(2, "big") + frames.to_bytes(4, "big") + (8 * width).to_bytes(2, "big") + bytes(10)
    common += coding + (b"\0\0" if coding else b"")
    sound = bytes(8) + samples
    parts = b"COMM" + len(common).to_bytes(4, "big") + common + b"SSND" + len(sound).to_bytes(4, "big") + sound
    kind = b"AIFC" if coding else b"AIFF"
    return b"FORM" + (len(parts) + 4).to_bytes(4, "big") + kind + parts
