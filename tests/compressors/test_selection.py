"""Selection: the smallest payload that decodes wins, and nothing that a plugin does costs a byte."""

import math
import random
import struct
from dataclasses import replace

import pytest
from fakes.audio_files import wav
from fakes.codecs import BatchCodec, FakeCodec, LyingCodec, RaisingCodec
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import (
    BUDGETS,
    Compressor,
    Context,
    Hints,
    Item,
    Kind,
    Level,
    NotApplicable,
    PayloadDamaged,
    PluginFailed,
    Registry,
    Result,
    UnknownMethod,
    compress,
    compress_batch,
    decompress,
    estimate_memory,
)
from panini_daemon.compressors.passthrough import Passthrough

TEXT = b"She sells sea shells by the sea shore. " * 40
REAL = Registry()


def registry(*codecs: Compressor) -> Registry:
    return Registry([Passthrough(), *codecs])


def decode(result: Result, size: int, plugins: Registry = REAL) -> bytes:
    return decompress(result.payload, registry=plugins, method=result.method, parameters=result.parameters, size=size)


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize(
    "data", [b"", b"x", TEXT, random.Random(2).randbytes(3000)], ids=["empty", "x", "text", "noise"]
)
def test_auto_round_trips_and_is_never_larger_than_the_data(level: Level, data: bytes) -> None:
    result = compress(data, registry=REAL, level=level)
    assert decode(result, len(data)) == data
    assert len(result.payload) <= len(data)


@pytest.mark.parametrize("request_", ["generic", "text", "image", "passthrough", "generic_xz_v1", "text_ppmd_v1"])
def test_a_family_or_method_falls_back_to_the_data_where_it_would_grow(request_: str) -> None:
    data = random.Random(3).randbytes(500)
    if request_ == "image":
        assert compress(data, registry=REAL, request=request_).method == "passthrough_v1"
    result = compress(data, registry=REAL, request=request_)
    assert (result.method, result.payload) == ("passthrough_v1", data)


def test_gzip_by_name_is_a_gzip_stream_even_where_it_grows() -> None:
    result = compress(b"x", registry=REAL, request="generic_gzip_v1")
    assert result.method == "generic_gzip_v1"
    assert result.payload.startswith(b"\x1f\x8b")


@pytest.mark.parametrize("request_", ["auto", *(name for name in REAL.names() if not name.startswith("semantic"))])
def test_an_empty_chunk_works_for_every_request(request_: str) -> None:
    result = compress(b"", registry=REAL, request=request_)
    assert decode(result, 0) == b""


def test_a_family_gives_its_smallest_member() -> None:
    sizes = [len(compress(TEXT, registry=REAL, request=one.method).payload) for one in REAL.family("generic")]
    assert len(compress(TEXT, registry=REAL, request="generic").payload) == min(sizes)


@given(
    data=st.binary(max_size=200) | st.text(max_size=150).map(str.encode) | st.just(TEXT[:200]),
    pattern=st.sampled_from(["image", "text", "generic", "PNG_IDAT", "JPEG_SCAN_DATA", "FIXED_SIZE", "nonsense"]),
    grammar=st.sampled_from([None, "png_v1", "text_generic", "binary_generic", "nonsense"]),
)
@settings(max_examples=12, deadline=None)
def test_a_wrong_hint_costs_nothing_at_best(data: bytes, pattern: str, grammar: str | None) -> None:
    hinted = compress(data, registry=REAL, level=Level.BEST, hints=Hints(pattern, grammar))
    plain = compress(data, registry=REAL, level=Level.BEST)
    assert len(hinted.payload) <= len(plain.payload)
    assert decode(hinted, len(data)) == data


def test_the_same_bytes_give_the_same_result() -> None:
    first, second = (compress(TEXT, registry=REAL, level=Level.BEST) for _ in range(2))
    assert replace(first, trials=()) == replace(second, trials=())


def test_a_codec_that_lies_is_found_out_and_the_next_one_wins() -> None:
    plugins = registry(LyingCodec("liar_v1", saving=0.99), FakeCodec("honest_v1"))
    result = compress(TEXT, registry=plugins, level=Level.BEST)
    assert result.method == "honest_v1"
    assert [(one.method, one.error is None) for one in result.trials] == [("liar_v1", False), ("honest_v1", True)]


def test_a_codec_that_raises_is_recorded_and_the_others_go_on() -> None:
    plugins = registry(RaisingCodec("broken_v1", lambda: MemoryError("no room")), FakeCodec("honest_v1"))
    result = compress(TEXT, registry=plugins, level=Level.BEST)
    assert result.method == "honest_v1"
    assert "no room" in str(result.trials[0].error)


def test_asked_for_by_name_a_codecs_error_is_raised() -> None:
    plugins = registry(
        RaisingCodec("broken_v1", lambda: ValueError("bad")),
        RaisingCodec("unfit_v1", lambda: NotApplicable("no image")),
        LyingCodec("liar_v1"),
    )
    with pytest.raises(PluginFailed, match="bad"):
        compress(TEXT, registry=plugins, request="broken_v1")
    with pytest.raises(NotApplicable, match="no image"):
        compress(TEXT, registry=plugins, request="unfit_v1")
    with pytest.raises(PluginFailed, match="other bytes"):
        compress(TEXT, registry=plugins, request="liar_v1")


def test_fast_tries_one_codec_and_a_codec_over_budget_is_left_out() -> None:
    plugins = registry(
        FakeCodec("slow_v1", saving=0.9, seconds=100.0),
        FakeCodec("quick_v1", saving=0.5),
        FakeCodec("other_v1", saving=0.4),
    )
    tried = [one.method for one in compress(TEXT, registry=plugins, level=Level.FAST).trials]
    assert tried == ["quick_v1"]
    assert "slow_v1" not in {one.method for one in compress(TEXT, registry=plugins, level=Level.BEST).trials}
    assert "slow_v1" in {one.method for one in compress(TEXT, registry=plugins, level=Level.MAX).trials}


def test_a_codec_that_is_not_applicable_takes_no_ones_place() -> None:
    plugins = registry(RaisingCodec("unfit_v1", lambda: NotApplicable("no image")), FakeCodec("quick_v1"))
    assert compress(TEXT, registry=plugins, level=Level.FAST).method == "quick_v1"


def test_excluded_methods_are_not_tried() -> None:
    plugins = registry(FakeCodec("one_v1"), FakeCodec("two_v1", saving=0.4))
    result = compress(TEXT, registry=plugins, level=Level.BEST, exclude=frozenset({"one_v1"}))
    assert [one.method for one in result.trials] == ["two_v1"]
    with pytest.raises(PluginFailed, match="excluded"):
        compress(TEXT, registry=plugins, request="one_v1", exclude=frozenset({"one_v1"}))


def test_on_trial_hears_of_each_codec_before_its_trial() -> None:
    heard: list[str] = []
    result = compress(TEXT, registry=REAL, level=Level.BALANCED, on_trial=heard.append)
    assert heard == [one.method for one in result.trials]
    assert heard


def test_a_batch_goes_to_its_plugin_together_and_results_stay_apart() -> None:
    codec = BatchCodec("together_v1")
    items = [Item(TEXT + bytes([at])) for at in range(7)]
    plugins = registry(codec)
    results = compress_batch(items, registry=plugins, level=Level.BEST)
    assert codec.batches == [3, 3, 1]
    for item, result in zip(items, results, strict=True):
        assert isinstance(result, Result)
        assert decode(result, len(item.data), plugins) == item.data


def test_a_batch_gives_the_same_results_as_single_chunks() -> None:
    items = [Item(TEXT), Item(b""), Item(TEXT[::-1])]
    together = compress_batch(items, registry=REAL)
    alone = [compress(item.data, registry=REAL) for item in items]
    assert [replace(one, trials=()) for one in together if isinstance(one, Result)] == [
        replace(one, trials=()) for one in alone
    ]


def test_a_failing_batch_is_recorded_and_done_one_by_one() -> None:
    plugins = registry(BatchCodec("together_v1", fault=RuntimeError("out of GPU memory")))
    (result,) = compress_batch([Item(TEXT)], registry=plugins, level=Level.BEST)
    assert isinstance(result, Result)
    assert result.method == "together_v1"
    assert "out of GPU memory" in str(result.trials[0].error)


def test_an_error_of_one_chunk_stands_in_its_place() -> None:
    results = compress_batch([Item(TEXT), Item(b"")], registry=REAL, request="image_jxl_v1")
    assert isinstance(results[0], NotApplicable)
    assert isinstance(results[1], Result)


def test_decompress_checks_the_size_and_wraps_foreign_errors() -> None:
    plugins = registry(LyingCodec("liar_v1"))
    assert decompress(b"!", registry=plugins, method="liar_v1", parameters={}, size=3) == bytes(3)
    with pytest.raises(UnknownMethod):
        decompress(b"!", registry=plugins, method="unheard_of_v1", parameters={}, size=3)
    with pytest.raises(PayloadDamaged):
        decompress(b"abc", registry=plugins, method="passthrough_v1", parameters={}, size=2)


def test_memory_estimate_grows_with_size_and_covers_the_largest_codec() -> None:
    small, large = (estimate_memory(size, "auto", Level.BEST, registry=REAL) for size in (1 << 20, 100 << 20))
    assert large > small
    assert large >= estimate_memory(100 << 20, "generic_xz_v1", Level.BEST, registry=REAL) > 674 << 20


def test_kind_is_told_in_the_result() -> None:
    assert compress(TEXT, registry=REAL, level=Level.FAST).kind is Kind.TEXT


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.BINARY])
def test_best_has_time_for_context_mixing_behind_what_knows_a_format(kind: Kind) -> None:
    offers = {one.method: offer for one, offer in REAL.candidates(Context(Level.BEST, kind))}
    turns = list(offers)
    before = turns[: turns.index("generic_cm_v1") + 1]
    refusing = ("image_pixels_v2", "audio_ols_v1")  # both turn down what container_parts_v1 takes, which costs nothing
    assert sum(offers[method].seconds for method in before if method not in refusing) <= BUDGETS[Level.BEST].seconds
    assert kind is Kind.TEXT or {*refusing, "container_parts_v1"} <= set(before)


@pytest.mark.slow
@pytest.mark.parametrize(("level", "method"), [(Level.BALANCED, "audio_lms_v1"), (Level.BEST, "audio_ols_v1")])
def test_sound_is_coded_as_sound_where_there_is_time(level: Level, method: str) -> None:
    tone = [round(9000 * math.sin(at / 7) + 4000 * math.sin(at / 3.1) + 30 * math.sin(at * at)) for at in range(6000)]
    file = wav()[:40] + (12000).to_bytes(4, "little") + struct.pack("<6000h", *tone)
    assert compress(file, registry=REAL, level=level).method == method
