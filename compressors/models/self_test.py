"""Whether a device computes what every device must: a few tokens through the whole model, against frozen numbers."""

import hashlib
import warnings
from collections.abc import Callable

import torch

from panini_daemon.compressors.errors import DeviceInexact
from panini_daemon.compressors.exact import tables
from panini_daemon.compressors.exact.frequencies import make_frequencies
from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.exact.replay import Recorder, Run
from panini_daemon.compressors.language.codec import count_memory_bits, decode, encode
from panini_daemon.compressors.language.steps import Settings
from panini_daemon.compressors.models.calibration_text import CALIBRATION_TEXT
from panini_daemon.compressors.models.file import ModelFile

_TOKENS = 24
_RECORDED_TOKENS, _RECORDED_WINDOW = 400, 128


@torch.inference_mode()
def compute_golden(model: Model, file: ModelFile) -> str:
    """Return the SHA-256 of the frequencies after each of a few tokens, all at once, then one by one in two rows."""
    device = model.device
    words = file.vocabulary().encode(CALIBRATION_TEXT[:400])[: _TOKENS - 1]
    tokens = torch.tensor([[file.start, *words]], device=device)
    count = tokens.shape[1]
    exponentials = tables.exponentials().to(device)
    digest = hashlib.sha256()
    hidden = model.advance(tokens, model.start(1, count))[0]
    digest.update(make_frequencies(model.score(hidden), exponentials).cpu().numpy().astype("<i4").tobytes())
    state = model.start(2, count)
    for at in range(count):
        hidden = model.advance(tokens[:, at : at + 1].expand(2, 1), state)[:, 0]
        digest.update(make_frequencies(model.score(hidden), exponentials).cpu().numpy().astype("<i4").tobytes())
    return digest.hexdigest()


def can_record(model: Model, file: ModelFile, record: Recorder) -> bool:
    """Tell whether steps can be recorded and then write and find what eager ones do; warn where they do not.

    The text goes through several windows in two lanes, so that each recording is made and replayed.
    """
    words = file.vocabulary().encode(CALIBRATION_TEXT)[:_RECORDED_TOKENS]
    settings = Settings(_RECORDED_WINDOW, file.start, count_memory_bits(len(words)))
    (stream,) = encode([words], [2], model, settings, _tell_nobody)
    recordings: list[Run] = []

    def note(step: Callable[[], None]) -> Run:
        recordings.append(record(step))
        return recordings[-1]

    again = encode([words], [2], model, settings, _tell_nobody, record=note)
    found = decode([stream], [len(words)], [2], model, settings, _tell_nobody, record=note)
    exact = again == [stream] and found == [words]
    if not exact:
        warnings.warn("recorded steps do not compute here what eager ones do; work goes on without", stacklevel=2)
    return exact and bool(recordings)


def _tell_nobody(done: int, total: int) -> None:
    """Nobody waits for so little."""


def require_golden(model: Model, file: ModelFile) -> None:
    """Raise DeviceInexact unless the model's device computes the frozen numbers of its file."""
    found = compute_golden(model, file)
    if found != file.golden:
        raise DeviceInexact(
            f"{model.device} computes {found[:16]} where every device must compute {file.golden[:16]}; nothing is "
            "coded with this model on it. Set device = 'cpu', or report the device and its torch version"
        )
