import hashlib

import pytest
import torch
from fakes.tiny_model import tiny_shape, tiny_tensors, tiny_vocabulary
from hypothesis import given, settings
from hypothesis import strategies as some

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.exact.frequencies import find_token, interval_bits, interval_of, spread
from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.exact.products import Kernel
from panini_daemon.compressors.language.codec import count_memory_bits, decode, encode
from panini_daemon.compressors.language.lanes import Layout
from panini_daemon.compressors.language.mixture import TOTAL_BITS, share_out
from panini_daemon.compressors.language.steps import Settings

CPU = torch.device("cpu")
SETTINGS = Settings(window=64, start=0, memory_bits=10)
FROZEN = (
    "e82391dc00000000e0eece2e64b81000ac564d99277823fe13110160935ef993"
    "478102d015581280fe2f1460ee02a56d002d2e804a3509b0c0459ee0ea53cd73"
)
TEXT = b"the cat and the hat and the bat and the rat " * 6 + bytes(range(256))


def quiet(done: int, total: int) -> None:
    del done, total


def tiny() -> Model:
    return Model(tiny_shape(), tiny_tensors(), CPU, Kernel.FLOAT32)


def tokens(data: bytes = TEXT) -> list[int]:
    return tiny_vocabulary().encode(data)


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 3, 16])
def test_texts_longer_than_the_window_come_back(lanes: int) -> None:
    text = tokens()
    (stream,) = encode([text], [lanes], tiny(), SETTINGS, quiet)
    assert decode([stream], [len(text)], [lanes], tiny(), SETTINGS, quiet) == [text]


@pytest.mark.slow
def test_repetition_costs_little_though_the_model_knows_nothing() -> None:
    text = tokens(b"the cat and the hat, " * 40)
    (stream,) = encode([text], [1], tiny(), SETTINGS, quiet)
    assert len(stream) < 120


@pytest.mark.slow
def test_a_stream_does_not_depend_on_what_is_encoded_with_it() -> None:
    texts = [tokens(TEXT[:150]), tokens(TEXT[100:]), [], tokens(b"a")]
    together = encode(texts, [2, 5, 1, 1], tiny(), SETTINGS, quiet)
    alone = [
        encode([text], [lanes], tiny(), SETTINGS, quiet)[0] for text, lanes in zip(texts, [2, 5, 1, 1], strict=True)
    ]
    assert together == alone
    assert decode(together, [len(text) for text in texts], [2, 5, 1, 1], tiny(), SETTINGS, quiet) == texts


def test_streams_are_the_frozen_bytes() -> None:
    (stream,) = encode([tokens(TEXT[:200])], [2], tiny(), SETTINGS, quiet)
    assert stream.hex() == FROZEN


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lanes", "frozen"),
    [
        (1, "57e43a3aa588dffcc953852df44d1655f93b42166e8d3e5bd887a677ec608f02"),
        (3, "722bef245cd6257a068ef7a75e9898b1b06e5338e5a00c85409dafc68b91d7c1"),
    ],
)
def test_streams_of_several_windows_are_the_frozen_bytes(lanes: int, frozen: str) -> None:
    (stream,) = encode([tokens()], [lanes], tiny(), SETTINGS, quiet)
    assert len(tokens()) > 3 * SETTINGS.window
    assert hashlib.sha256(stream).hexdigest() == frozen


@pytest.mark.slow
def test_a_damaged_stream_is_noticed_or_decodes_to_something_else() -> None:
    text = tokens(TEXT[:100])
    (stream,) = encode([text], [1], tiny(), SETTINGS, quiet)
    for at in range(0, len(stream), 5):
        bad = stream[:at] + bytes([stream[at] ^ 4]) + stream[at + 1 :]
        try:
            assert decode([bad], [len(text)], [1], tiny(), SETTINGS, quiet) != [text]
        except PayloadDamaged:
            continue


@pytest.mark.parametrize("bad", [b"", b"1234567", bytes(8), b"\xff" * 8, b"\0\0\0\x80\0\0\0\0abc"])
def test_a_stream_of_no_possible_form_is_refused(bad: bytes) -> None:
    with pytest.raises(PayloadDamaged):
        decode([bad], [3], [1], tiny(), SETTINGS, quiet)


def test_who_watches_may_stop_the_work() -> None:
    def stop(done: int, total: int) -> None:
        assert total == len(tokens())
        if done == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        encode([tokens()], [1], tiny(), SETTINGS, stop)


@given(some.lists(some.integers(0, 1 << 20), min_size=16, max_size=60), some.integers(0, (1 << 26) - 1))
def test_every_point_lies_in_one_tokens_interval(numbers: list[int], point: int) -> None:
    ends = spread(torch.tensor([numbers], dtype=torch.int32), torch.tensor([[3, 5]]))
    assert ends[0, -1] == 1 << interval_bits(len(numbers))
    token = find_token(ends, torch.tensor([point]))
    interval = interval_of(ends, token)
    assert interval.start <= point < interval.start + interval.size
    assert (torch.diff(ends[0]) >= 1).all()


@given(some.lists(some.integers(1, (1 << 22) - 1), min_size=12, max_size=12))
def test_shares_are_at_least_one_and_add_up(chances: list[int]) -> None:
    shares = share_out(torch.tensor([chances]))
    assert shares.min() >= 1
    assert shares.sum() == 1 << TOTAL_BITS


@settings(max_examples=20)
@given(some.lists(some.integers(0, 40), max_size=5), some.integers(1, 9))
def test_layouts_collect_what_they_arranged(counts: list[int], lanes: int) -> None:
    texts = [list(range(count)) for count in counts]
    layout = Layout.of(counts, [lanes] * len(counts))
    assert layout.collect(layout.arrange(texts)) == texts
    assert max(layout.lengths, default=0) - min(layout.lengths, default=0) <= 40


def test_memory_follows_the_size_alone() -> None:
    assert [count_memory_bits(count) for count in (0, 1000, 300_000, 1 << 24)] == [10, 11, 20, 20]
