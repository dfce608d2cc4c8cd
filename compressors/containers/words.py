"""A method and its parameters in a few bytes: JSON values with the words of this project as single bytes."""

from collections.abc import Mapping

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.numbers import Cursor, number
from panini_daemon.compressors.protocol import Json

_WORDS = (
    *("passthrough_v1", "generic_zstd_v1", "generic_xz_v1", "generic_brotli_v1", "generic_bzip2_v1"),
    *("generic_ppmd_v1", "text_ppmd_v1", "image_jxl_v1", "image_pixels_v1", "image_pixels_v2", "image_jpeg_v1"),
    *("window_log", "lc", "lp", "pb", "dict_log", "filter", "x86", "order", "memory_log", "length", "coder"),
    *("offset", "width", "height", "channels", "bits", "stride", "big", "bgr", "jxl", "webp"),
    *("generic_cm_v1", "audio_lms_v1", "profile", "model", "level", "size", "blocks", "channel"),
    *("slots_log", "text", "tables", "general", "records", "samples", "code", "lean text", "lean tables"),
    *("lean general", "lean records", "lean samples", "lean code"),
)
"""Part of the format: words may be added at the end, none changed or taken away."""
_NOTHING, _FALSE, _TRUE, _POSITIVE, _NEGATIVE, _TEXT, _LIST, _OBJECT, _WORD = range(9)
_DEEPEST = 6
_LONGEST = 1 << 16
_LARGEST = (1 << 62) - 1


def pack(method: str, parameters: Mapping[str, Json]) -> bytes | None:
    """Write a method's name and its parameters; None where a parameter is a fraction or too large a number."""
    try:
        return _pack_text(method) + _pack(dict(parameters))
    except (TypeError, OverflowError):
        return None


def unpack(cursor: Cursor) -> tuple[str, Mapping[str, Json]]:
    """Read what `pack` wrote. Raises PayloadDamaged."""
    method, parameters = _unpack(cursor, 0), _unpack(cursor, 0)
    if not isinstance(method, str) or not isinstance(parameters, dict):
        raise PayloadDamaged("a container's channel names no method; restore compressed.bin from a copy")
    return method, parameters


def _pack(value: Json) -> bytes:
    if value is None:
        return bytes([_NOTHING])
    if isinstance(value, bool):
        return bytes([_TRUE if value else _FALSE])
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise OverflowError
        return bytes([_NEGATIVE if value < 0 else _POSITIVE]) + number(abs(value))
    if isinstance(value, str):
        return _pack_text(value)
    if isinstance(value, Mapping):
        pairs = b"".join(_pack_text(name) + _pack(inner) for name, inner in value.items())
        return bytes([_OBJECT]) + number(len(value)) + pairs
    if isinstance(value, (list, tuple)):
        return bytes([_LIST]) + number(len(value)) + b"".join(map(_pack, value))
    raise TypeError


def _pack_text(text: str) -> bytes:
    if text in _WORDS:
        return bytes([_WORD + _WORDS.index(text)])
    raw = text.encode("utf-8", "surrogatepass")
    return bytes([_TEXT]) + number(len(raw)) + raw


def _unpack(cursor: Cursor, depth: int) -> Json:
    kind = cursor.take(1)[0]
    if kind <= _TRUE:
        return (None, False, True)[kind]
    if kind in (_POSITIVE, _NEGATIVE):
        value = cursor.number(_LARGEST)
        return value if kind == _POSITIVE else -value
    if kind in (_LIST, _OBJECT):
        return _unpack_many(cursor, depth, kind)
    return _unpack_text(cursor, kind)


def _unpack_many(cursor: Cursor, depth: int, kind: int) -> Json:
    count = cursor.number(_LONGEST)
    if depth == _DEEPEST:
        raise PayloadDamaged("a container's parameters are nested too deep; restore compressed.bin from a copy")
    if kind == _LIST:
        return [_unpack(cursor, depth + 1) for _ in range(count)]
    return {_unpack_text(cursor, cursor.take(1)[0]): _unpack(cursor, depth + 1) for _ in range(count)}


def _unpack_text(cursor: Cursor, kind: int) -> str:
    if kind == _TEXT:
        try:
            return cursor.take(cursor.number(_LONGEST)).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise PayloadDamaged(f"a container's parameters are damaged ({error}); restore a copy") from error
    if not _WORD <= kind < _WORD + len(_WORDS):
        raise PayloadDamaged(
            f"a container's parameters hold a word {kind} that is not known; restore compressed.bin from a copy or "
            "update panini-daemon"
        )
    return _WORDS[kind - _WORD]
