"""Whether a device computes what every device must: a few tokens through the whole model, against frozen numbers."""

import hashlib

import torch

from panini_daemon.compressors.errors import DeviceInexact
from panini_daemon.compressors.exact import tables
from panini_daemon.compressors.exact.frequencies import make_frequencies
from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.models.calibration_text import CALIBRATION_TEXT
from panini_daemon.compressors.models.file import ModelFile

_TOKENS = 24


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


def require_golden(model: Model, file: ModelFile) -> None:
    """Raise DeviceInexact unless the model's device computes the frozen numbers of its file."""
    found = compute_golden(model, file)
    if found != file.golden:
        raise DeviceInexact(
            f"{model.device} computes {found[:16]} where every device must compute {file.golden[:16]}; nothing is "
            "coded with this model on it. Set device = 'cpu', or report the device and its torch version"
        )
