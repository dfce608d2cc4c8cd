"""PPMd variant H (as in 7-Zip) through pyppmd, guarded against the library's weak spots.

- One `encode` call that puts out more than 32 KiB can break the stream (pyppmd 1.3.1): at most 8 KiB go in at
  a time.
- A decoder that is let go while it waits for input can crash the process: it is never left waiting, zeros
  follow the payload for as long as it asks. So a cut-off stream decodes to wrong bytes, not to an error;
  hashes notice.
- Where there is no memory for the model it frees what it never had, which ends the process: it is not asked then.
- The range coder's first byte is always zero and its last ones often are: they are not stored.
"""

from collections.abc import Sequence

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.parameters import window_log

MIN_ORDER, MAX_ORDER = 2, 64
MIN_LOG, MAX_LOG = 20, 30
_FEED = 8 << 10
_ZEROS = bytes(1 << 16)


def memory_log(size: int) -> int:
    """Return the model memory for `size` bytes as a power of two: 64 for each byte, 1 MiB to 1 GiB."""
    return window_log(64 * size, MIN_LOG, MAX_LOG)


def encode(data: bytes, order: int, log: int) -> bytes:
    """Encode with a model of `order` in `2 ** log` bytes of memory."""
    if not data:
        return b""
    import pyppmd  # noqa: PLC0415  a decoder of other methods should not pay for it

    _require_memory(log)
    encoder = pyppmd.Ppmd7Encoder(order, 1 << log)
    pieces = [encoder.encode(data[at : at + _FEED]) for at in range(0, len(data), _FEED)]
    pieces.append(encoder.flush())
    return b"".join(pieces)[1:].rstrip(b"\0")


def decode(payload: bytes, order: int, log: int, size: int) -> bytes:
    """Decode to `size` bytes. Raises PayloadDamaged."""
    if not size:
        if payload:
            raise PayloadDamaged(f"the PPMd stream has {len(payload)} bytes; expected none for an empty chunk")
        return b""
    if payload.startswith(b"\xff\xff\xff\xff"):
        raise PayloadDamaged("the PPMd stream begins as none does; restore compressed.bin from a copy")
    import pyppmd  # noqa: PLC0415

    _require_memory(log)
    decoder = pyppmd.Ppmd7Decoder(order, 1 << log)
    pieces: list[bytes] = []
    total, feed = 0, b"\0" + payload + _ZEROS
    try:
        while total < size and not decoder.eof:
            pieces.append(decoder.decode(feed, size - total))
            total += len(pieces[-1])
            feed = _ZEROS if decoder.needs_input else b""
            if not pieces[-1] and not decoder.needs_input:
                break
    except (ValueError, pyppmd.PpmdError) as error:
        raise PayloadDamaged(f"the PPMd stream is damaged ({error}); restore compressed.bin from a copy") from error
    if total != size:
        raise PayloadDamaged(f"the PPMd stream ends after {total} bytes of {size}; restore compressed.bin from a copy")
    return b"".join(pieces)


def search_order(data: bytes, orders: Sequence[int], start: int, log: int, patience: int = 2) -> tuple[bytes, int]:
    """Encode with the order `start`, then walk up and down for as long as it pays. Returns payload and order.

    `patience` steps that do not pay end a walk: sizes can fall, rise a little, and fall again with the order.
    """
    best, chosen = encode(data, start, log), start
    at = orders.index(start)
    for side in (orders[at + 1 :], orders[:at][::-1]):
        misses = 0
        for order in side:
            trial = encode(data, order, log)
            if len(trial) < len(best):
                best, chosen, misses = trial, order, 0
            else:
                misses += 1
            if misses == patience:
                break
    return best, chosen


def _require_memory(log: int) -> None:
    """Raise MemoryError where the model's memory cannot be had. Zeros are not touched, so this costs nothing."""
    bytes(1 << log)
