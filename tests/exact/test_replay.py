"""Recorded steps: the same integers as eager ones, and a way on where they cannot be had."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from fakes.tape import record_on_tape
from fakes.tiny_model import tiny_file, tiny_shape, tiny_tensors, tiny_vocabulary

from panini_daemon.compressors.exact.attention import BLOCK
from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.exact.products import Kernel, choose_kernel
from panini_daemon.compressors.exact.replay import Replayer, record_cuda
from panini_daemon.compressors.language import decoding
from panini_daemon.compressors.language.codec import decode, encode
from panini_daemon.compressors.language.decoding import count_unit
from panini_daemon.compressors.language.steps import Settings, Steps
from panini_daemon.compressors.models import self_test
from panini_daemon.compressors.models.self_test import can_record

CPU = torch.device("cpu")
SETTINGS = Settings(window=128, start=0, memory_bits=10)
TEXT = b"the cat and the hat and the bat and the rat " * 9 + bytes(range(256))
Step = Callable[[], None]


def quiet(done: int, total: int) -> None:
    del done, total


def tiny(device: torch.device = CPU) -> Model:
    return Model(
        tiny_shape(), tiny_tensors(), device, choose_kernel(device) if device.type == "cuda" else Kernel.FLOAT32
    )


def refuse(step: Step) -> Step:
    raise RuntimeError("operation not permitted when stream is capturing")


@pytest.fixture
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for escaped tokens at every step, and let what is looked at grow in large parts."""
    monkeypatch.setattr(Steps, "needs", lambda _steps, _escaped: True)


@pytest.mark.slow
@pytest.mark.usefixtures("as_on_a_gpu")
@pytest.mark.parametrize(("lanes", "unit"), [(2, 128), (5, 64)])
def test_what_is_played_from_a_recording_is_what_was_written(
    lanes: int, unit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "count_unit", lambda _window, _device: unit)
    text = tiny_vocabulary().encode(TEXT)
    (stream,) = encode([text], [lanes], tiny(), SETTINGS, quiet)
    recordings: list[Step] = []

    def record(step: Step) -> Step:
        recordings.append(step)
        return record_on_tape(step)

    assert decode([stream], [len(text)], [lanes], tiny(), SETTINGS, quiet, record=record) == [text]
    assert len(recordings) == SETTINGS.window // unit
    assert encode([text], [lanes], tiny(), SETTINGS, quiet, record=record) == [stream]
    assert len(recordings) == SETTINGS.window // unit + 1


@pytest.mark.slow
@pytest.mark.usefixtures("as_on_a_gpu")
def test_texts_of_different_lengths_are_played_together() -> None:
    texts = [tiny_vocabulary().encode(data) for data in (TEXT[:90], TEXT[200:], b"", b"a")]
    streams = encode(texts, [2, 3, 1, 1], tiny(), SETTINGS, quiet)
    counts = [len(text) for text in texts]
    assert decode(streams, counts, [2, 3, 1, 1], tiny(), SETTINGS, quiet, record=record_on_tape) == texts
    assert encode(texts, [2, 3, 1, 1], tiny(), SETTINGS, quiet, record=record_on_tape) == streams


def test_a_step_is_run_eagerly_first_then_recorded_and_replayed_for_each_of_its_bounds() -> None:
    done: list[str] = []

    def record(step: Step) -> Step:
        done.append("recorded")
        return lambda: done.append("replayed")

    run = Replayer(lambda first, keys: done.append(f"eager {first} {keys}"), record)
    for bounds in [(0, 64), (0, 64), (0, 64), (64, 128), (0, 64), (64, 128)]:
        run(*bounds)
    assert done == [
        "eager 0 64",
        "recorded",
        "replayed",
        "replayed",
        "eager 64 128",
        "replayed",
        "recorded",
        "replayed",
    ]


def test_where_steps_cannot_be_recorded_work_goes_on_eagerly_after_one_warning() -> None:
    done: list[int] = []

    run = Replayer(lambda _first, keys: done.append(keys), refuse)
    run(0, 64)
    with pytest.warns(UserWarning, match="not permitted"):
        run(0, 64)
    run(0, 64)  # a further warning would be an error
    run(0, 128)
    run(0, 128)
    assert done == [64, 64, 64, 128, 128]


def test_a_lack_of_memory_is_for_others_to_deal_with() -> None:
    def exhaust(step: Step) -> Step:
        raise torch.OutOfMemoryError

    run = Replayer(lambda _first, _keys: None, exhaust)
    run(0, 64)
    with pytest.raises(torch.OutOfMemoryError):
        run(0, 64)


@pytest.mark.slow
@pytest.mark.usefixtures("as_on_a_gpu")
def test_only_a_device_whose_recordings_compute_the_same_is_given_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "_RECORDED_TOKENS", 100)
    file = replace(tiny_file(), shape=tiny_shape())
    assert can_record(tiny(), file, record_on_tape)

    def forgetful(step: Step) -> Step:
        return lambda: None

    with pytest.warns(UserWarning, match="do not compute here"):
        assert not can_record(tiny(), file, forgetful)
    with pytest.warns(UserWarning, match="not permitted"):
        assert not can_record(tiny(), file, refuse)


def test_a_cpu_looks_at_no_more_keys_than_it_must() -> None:
    assert count_unit(2048, CPU) == BLOCK
    assert count_unit(2048, torch.device("cuda:0")) == 512
    assert count_unit(64, torch.device("cuda:0")) == BLOCK


@pytest.mark.gpu
def test_a_gpu_records_steps_and_decodes_the_cpus_streams_with_them() -> None:
    if not torch.cuda.is_available():
        pytest.skip("this torch sees no CUDA device")
    device, text = torch.device("cuda:0"), tiny_vocabulary().encode(TEXT)
    streams = encode([text, text[:50]], [3, 1], tiny(), SETTINGS, quiet)
    recordings: list[Step] = []

    def record(step: Step) -> Step:
        recordings.append(step)
        return record_cuda(step)  # type: ignore[return-value]

    found = decode(streams, [len(text), 50], [3, 1], tiny(device), SETTINGS, quiet, record=record)
    assert found == [text, text[:50]]
    assert len(recordings) == 2
    assert encode([text, text[:50]], [3, 1], tiny(device), SETTINGS, quiet, record=record) == streams
    assert len(recordings) == 3
    assert can_record(tiny(device), replace(tiny_file(), shape=tiny_shape()), record_cuda)
