"""Compressors that misbehave, as an installed distribution would bring them."""

import ctypes
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Offer, Surroundings


class Deflate(Compressor):
    """The well-behaved base: deflate, offered as the best there is."""

    method = "bad_deflate_v1"
    reconstruction = "bad_inflate"
    family = "bad"

    def compress(self, data: bytes, context: Context) -> Encoded:
        return Encoded(zlib.compress(data, 9))

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        return zlib.decompress(payload)

    def offer(self, context: Context) -> Offer:
        return Offer(saving=1.0, seconds=0.001)


class Raises(Deflate):
    method = "bad_raises_v1"

    def compress(self, data: bytes, context: Context) -> Encoded:
        raise RuntimeError("a bug in the plugin")


class Hangs(Deflate):
    method = "bad_hangs_v1"

    def compress(self, data: bytes, context: Context) -> Encoded:
        time.sleep(600)
        raise AssertionError


class Slow(Deflate):
    """Does its work, but takes its time."""

    method = "bad_slow_v1"

    def compress(self, data: bytes, context: Context) -> Encoded:
        time.sleep(0.5)
        return super().compress(data, context)


class Telling(Deflate):
    """Tells how far it is, as slow codecs do."""

    method = "bad_telling_v1"

    def attach(self, surroundings: Surroundings) -> None:
        self._tell = surroundings.progress

    def compress(self, data: bytes, context: Context) -> Encoded:
        self._tell(self.method, len(data) // 2, len(data))
        return super().compress(data, context)


class Crashes(Deflate):
    method = "bad_crashes_v1"

    def compress(self, data: bytes, context: Context) -> Encoded:
        ctypes.string_at(0)
        raise AssertionError


class EatsMemory(Deflate):
    method = "bad_eats_v1"

    def compress(self, data: bytes, context: Context) -> Encoded:
        return Encoded(bytes(1 << 40))


class ReturnsNothing(Deflate):
    method = "bad_nothing_v1"

    def compress(self, data: bytes, context: Context) -> Encoded:
        nothing: Any = None
        return nothing  # type: ignore[no-any-return]


class ReturnsNoJson(Deflate):
    method = "bad_parameters_v1"

    def compress(self, data: bytes, context: Context) -> Encoded:
        junk: Any = {"set": {1, 2}}
        return Encoded(zlib.compress(data), junk)


class Lies(Deflate):
    method = "bad_lies_v1"

    def compress(self, data: bytes, context: Context) -> Encoded:
        return Encoded(zlib.compress(data[::-1]))


class Prints(Deflate):
    method = "bad_prints_v1"

    def compress(self, data: bytes, context: Context) -> Encoded:
        print('{"results": "not for the pipe"}', flush=True)  # noqa: T201
        return super().compress(data, context)


PLUGINS = (Raises, Hangs, Crashes, EatsMemory, ReturnsNothing, ReturnsNoJson, Lies, Prints)


def install(folder: Path, *plugins: type[Compressor]) -> Path:
    """Write a distribution into `folder` that registers these plugins; return what goes onto PYTHONPATH."""
    info = folder / "bad_plugins-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-plugins\nVersion: 1.0\n")
    lines = [f"{plugin.method} = bad_plugins:{plugin.__name__}" for plugin in plugins]
    (info / "entry_points.txt").write_text("[panini_daemon.compressors]\n" + "\n".join(lines) + "\n")
    (folder / "bad_plugins.py").write_text(Path(__file__).read_text())
    return folder
