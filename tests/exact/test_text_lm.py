import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fakes.tiny_model import put_tiny_model, tiny_file

from panini_daemon.compressors import Context, Device, Encoded, Kind, Level, Surroundings
from panini_daemon.compressors.errors import DeviceInexact, ModelDamaged, ModelMissing, PayloadDamaged
from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.exact.products import Kernel
from panini_daemon.compressors.models import runtime as runtimes
from panini_daemon.compressors.models.self_test import require_golden
from panini_daemon.compressors.text_lm import TextLm, count_lanes

CONTEXT = Context(Level.MAX, Kind.TEXT)
SAMPLES = {
    "empty": b"",
    "one byte": b"\0",
    "english": b"the cat and the hat, and then the rat\n" * 4,
    "wrapped": (b"the cat and the hat and then the rat\r\n" * 20)[:-2],
    "latin-1": "Ça coûte très cher à l'été ".encode("latin-1"),
    "russian": "Съешь ещё этих мягких французских булок.\n".encode(),
    "cut UTF-8": "日本語テキスト🎉".encode()[1:-2],
    "random": random.Random(1).randbytes(60),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_any_bytes_come_back(plugin: TextLm, name: str) -> None:
    data = SAMPLES[name]
    encoded = plugin.compress(data, CONTEXT)
    assert plugin.decompress(encoded.payload, encoded.parameters, len(data), Device()) == data


@pytest.mark.slow
def test_chunks_compressed_together_are_what_they_are_alone(plugin: TextLm) -> None:
    chunks = [SAMPLES["english"], b"", SAMPLES["russian"], b"a"]
    together = plugin.compress_batch(chunks, [CONTEXT] * 4)
    assert together == [plugin.compress(data, CONTEXT) for data in chunks]
    payloads, parameters = [one.payload for one in together], [one.parameters for one in together]
    assert plugin.decompress_batch(payloads, parameters, [len(data) for data in chunks], Device()) == chunks


def exhaust_gpu() -> None:
    raise torch.OutOfMemoryError


def exhaust_cpu() -> None:
    torch.empty(1 << 46)


@pytest.mark.slow
@pytest.mark.parametrize("exhaust", [exhaust_gpu, exhaust_cpu])
def test_out_of_memory_halves_the_batch_and_goes_on(
    plugin: TextLm, monkeypatch: pytest.MonkeyPatch, exhaust: Callable[[], None]
) -> None:
    chunks, sizes = [b"the cat", b"and", b"the hat", b"then"], []
    expected = plugin.compress_batch(chunks, [CONTEXT] * 4)
    encode = runtimes.encode

    def small(texts, *rest, **options):  # noqa: ANN001, ANN002, ANN003, ANN202
        sizes.append(len(texts))
        if len(texts) > 1:
            exhaust()
        return encode(texts, *rest, **options)

    monkeypatch.setattr(runtimes, "encode", small)
    assert plugin.compress_batch(chunks, [CONTEXT] * 4) == expected
    assert sizes == [4, 2, 1, 1, 2, 1, 1]


@pytest.mark.slow
def test_out_of_memory_halves_what_is_decoded_together_too(plugin: TextLm, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks, sizes = [b"the cat", b"and", b"the hat", b"then"], []
    encoded = plugin.compress_batch(chunks, [CONTEXT] * 4)
    decode = runtimes.decode

    def small(streams, *rest, **options):  # noqa: ANN001, ANN002, ANN003, ANN202
        sizes.append(len(streams))
        if len(streams) > 2:
            raise torch.OutOfMemoryError
        return decode(streams, *rest, **options)

    monkeypatch.setattr(runtimes, "decode", small)
    payloads, parameters = [one.payload for one in encoded], [one.parameters for one in encoded]
    assert plugin.decompress_batch(payloads, parameters, [len(data) for data in chunks], Device()) == chunks
    assert sizes == [4, 2, 2]


def test_one_text_too_large_for_the_memory_is_an_error(plugin: TextLm, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(*given: object, **options: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(runtimes, "encode", small)
    with pytest.raises(torch.OutOfMemoryError):
        plugin.compress_batch([b"the cat", b"and"], [CONTEXT] * 2)


def test_other_errors_are_not_taken_for_a_lack_of_memory(plugin: TextLm, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def broken(*given: object, **options: object) -> None:
        calls.append((given, options))
        raise RuntimeError("a bug")

    monkeypatch.setattr(runtimes, "encode", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        plugin.compress_batch([b"the cat", b"and"], [CONTEXT] * 2)
    assert len(calls) == 1


def test_progress_is_told_in_bytes(shelf: Path) -> None:
    told: list[tuple[str, int, int]] = []
    plugin = TextLm(put_tiny_model(shelf))
    plugin.attach(Surroundings((shelf,), lambda *what: told.append(what)))
    data = b"\x01\xfe" * 50
    plugin.compress(data, CONTEXT)
    assert told == [("text_lm_v1", 0, 100), ("text_lm_v1", 64, 100)]


def test_weights_that_are_nowhere_are_an_error_that_names_the_command(tmp_path: Path) -> None:
    plugin = TextLm()
    plugin.attach(Surroundings((tmp_path,)))
    with pytest.raises(ModelMissing, match=r"panini-daemon models fetch smollm2-135m"):
        plugin.compress(b"text", CONTEXT)


def test_damaged_weights_are_refused(shelf: Path, tmp_path: Path) -> None:
    digest = put_tiny_model(tmp_path)
    path = tmp_path / digest / "model.bin"
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    plugin = TextLm(digest)
    plugin.attach(Surroundings((tmp_path, shelf)))
    with pytest.raises(ModelDamaged, match="models fetch"):
        plugin.compress(b"text", CONTEXT)


def test_a_device_that_computes_something_else_is_refused() -> None:
    file = replace(tiny_file(), golden="0" * 64)
    model = Model(file.shape, file.tensors, torch.device("cpu"), Kernel.FLOAT32)
    with pytest.raises(DeviceInexact, match="nothing is"):
        require_golden(model, file)


@pytest.mark.parametrize(
    "change",
    [{"model": "../x"}, {"tokens": -1}, {"tokens": 99}, {"lanes": 0}, {"window": 4096}, {"breaks": 1000}, {"crlf": 2}],
)
def test_parameters_that_are_never_written_are_refused(plugin: TextLm, change: dict) -> None:
    data = SAMPLES["russian"]
    encoded = plugin.compress(data, CONTEXT)
    with pytest.raises(PayloadDamaged):
        plugin.decompress(encoded.payload, {**encoded.parameters, **change}, len(data), Device())


@pytest.mark.slow
def test_a_cut_payload_is_refused(plugin: TextLm) -> None:
    encoded = plugin.compress(SAMPLES["russian"], CONTEXT)
    for length in (0, 3, 8, len(encoded.payload) - 4):
        with pytest.raises(PayloadDamaged):
            plugin.decompress(encoded.payload[:length], encoded.parameters, 200, Device())


def test_it_offers_itself_for_text_on_a_gpu_at_level_max_alone() -> None:
    gpu = Device("cuda:0")
    assert TextLm().offer(Context(Level.MAX, Kind.TEXT, device=gpu)) is not None
    assert TextLm().offer(Context(Level.MAX, Kind.TEXT)) is None
    assert TextLm().offer(Context(Level.BEST, Kind.TEXT, device=gpu)) is None
    assert TextLm().offer(Context(Level.MAX, Kind.BINARY, device=gpu)) is None


def test_lanes_follow_the_size_alone() -> None:
    assert [count_lanes(size) for size in (0, 1 << 17, 1 << 20, 1 << 30)] == [1, 1, 8, 64]


def test_an_empty_chunk_needs_no_model() -> None:
    assert TextLm().compress(b"", CONTEXT) == Encoded(b"")
    assert TextLm().decompress(b"", {}, 0, Device()) == b""


@pytest.mark.gpu
def test_a_gpu_writes_the_same_payloads_and_reads_the_cpus(plugin: TextLm) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this torch sees no CUDA device")
    gpu = Device("cuda:0")
    chunks = [SAMPLES["english"], SAMPLES["wrapped"], SAMPLES["random"]]
    there = plugin.compress_batch(chunks, [replace(CONTEXT, device=gpu)] * 3)
    assert there == plugin.compress_batch(chunks, [CONTEXT] * 3)
    for data, encoded in zip(chunks, there, strict=True):
        assert plugin.decompress(encoded.payload, encoded.parameters, len(data), gpu) == data
