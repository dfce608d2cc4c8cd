from collections.abc import Callable

from fakes.bench import Bench

from panini_daemon.attempts import Suspects
from panini_daemon.compute import Order
from panini_daemon.errors import ComputeDied, ComputeTimeout
from panini_daemon.grouping import TOGETHER, TOGETHER_BYTES, group
from panini_daemon.storage.jobs import Chunk

HASH = "0" * 64


def chunk(number: int, size: int, original_hash: str | None = HASH) -> Chunk:
    return Chunk("a", number, 0, "inbox/data", size, original_hash=original_hash)


def sizes(chunks: list[Chunk]) -> list[list[int]]:
    return [[one.size for one in together] for together in group(chunks)]


def crashing_on(size: int, method: str = "generic_zstd_v1") -> Callable[[Order], None]:
    def before(order: Order) -> None:
        if order.size == size and method not in order.exclude:
            raise ComputeDied("crash", method)

    return before


def test_small_chunks_go_together_and_large_ones_alone() -> None:
    assert sizes([chunk(0, 10), chunk(1, 20), chunk(2, TOGETHER_BYTES), chunk(3, 5)]) == [
        [10, 20],
        [TOGETHER_BYTES],
        [5],
    ]


def test_a_group_is_bounded_in_number_and_bytes() -> None:
    assert [len(one) for one in sizes([chunk(n, 1) for n in range(2 * TOGETHER + 1)])] == [TOGETHER, TOGETHER, 1]
    half = TOGETHER_BYTES // 2
    assert sizes([chunk(n, half) for n in range(3)]) == [[half, half], [half]]


def test_a_chunk_without_a_declared_hash_goes_alone_and_none_is_lost() -> None:
    assert sizes([chunk(0, 1), chunk(1, 2, None), chunk(2, 3)]) == [[1], [2], [3]]
    assert sizes([]) == []


def test_a_codec_is_convicted_at_the_third_time_and_told_once() -> None:
    suspects = Suspects()
    assert [suspects.accuse("x_v1") for _ in range(5)] == [False, False, True, False, False]
    assert suspects.convicted() == {"x_v1"}


def test_one_bad_chunk_of_a_group_does_not_spoil_the_others(bench: Bench) -> None:
    data = b"".join(bytes([65 + number]) * 100 for number in range(5)) + b"odd one"
    bench.compute.before = crashing_on(7)
    bench.submit("many", data, chunk_size=100)
    bench.run()
    assert len([name for name in bench.names("compressed_chunks/many") if name.startswith("chunk_")]) == 6
    assert bench.names("failed") == []


def test_a_codec_that_keeps_failing_is_no_longer_tried(bench: Bench) -> None:
    def before(order: Order) -> None:
        if "text_ppmd_v1" not in order.exclude:
            raise ComputeTimeout("hang", "text_ppmd_v1")

    bench.compute.before = before
    for number in range(6):
        bench.submit(f"{number}.txt", b"some text " * 20 + bytes([48 + number]))
        bench.run()
    hangs = [order for order in bench.compute.orders if "text_ppmd_v1" not in order.exclude]
    assert len(hangs) == 3
    assert [event["event"] for event in bench.events()].count("codec_disabled") == 1
    assert bench.names("failed") == []
