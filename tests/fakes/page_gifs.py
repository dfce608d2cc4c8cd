"""GIF files of docs/pixels.md, as that page has it: from pixels to a frame's bytes."""

from dataclasses import dataclass

from fakes.page_numbers import Numbers


@dataclass(frozen=True)
class Frame:
    """How a frame lies in the file."""

    before: int
    width: int
    height: int
    bits: int
    interlaced: bool
    runs: list[int]
    blocks: list[int]


def read_frame(numbers: Numbers) -> Frame:
    before, width, height, flags = (numbers.read() for _ in range(4))
    runs = read_list(numbers)
    blocks = read_list(numbers) if flags & 1 else []
    return Frame(before, width, height, flags >> 2, bool(flags & 2), runs, blocks)


def read_list(numbers: Numbers) -> list[int]:
    values = []
    for _ in range(numbers.read()):
        length, value = numbers.read(), numbers.read()
        values += [value] * length
    return values


def write_frame(frame: Frame, rows: list[bytes]) -> bytes:
    if frame.interlaced:
        rows = [row for first, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for row in rows[first::step]]
    codes, written = pack_codes(frame, b"".join(rows)), bytes([frame.bits])
    blocks = iter(frame.blocks)
    while codes:
        size = next(blocks, 255)
        written += bytes([len(codes[:size])]) + codes[:size]
        codes = codes[size:]
    return written + b"\0"


def pack_codes(frame: Frame, indices: bytes) -> bytes:
    clear, bits, packed, at = 1 << frame.bits, 0, 0, 0

    def put(code: int, number: int) -> None:
        nonlocal bits, packed
        packed |= code << bits
        bits += min(max((clear + 2 + max(number - 1, 0)).bit_length(), frame.bits + 1), 12)

    for run, codes in enumerate(frame.runs, 1):
        table = {bytes([index]): index for index in range(clear)}
        for number in range(codes):
            end = at + 1
            while end < len(indices) and indices[at : end + 1] in table:
                end += 1
            put(table[indices[at:end]], number)
            if end < len(indices) and len(table) + 2 < 4096:
                table[indices[at : end + 1]] = len(table) + 2
            at = end
        put(clear if run < len(frame.runs) else clear + 1, codes)
    return packed.to_bytes(-(-bits // 8), "little")
