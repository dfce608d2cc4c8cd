"""generic_cm_v1: bytes predicted bit by bit under many contexts at once, whose predictions are mixed."""

from collections.abc import Mapping

from panini_daemon.compressors import prose
from panini_daemon.compressors.contextmix.forms import Form, list_forms, take_piece
from panini_daemon.compressors.contextmix.profiles import PROFILES
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.filters import apply_filter, read_filter, undo_filter
from panini_daemon.compressors.parameters import check_size, read_choice, read_int, window_log
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer, Surroundings

_OFFERS = {
    Level.BEST: Offer(saving=0.62, seconds=7.0),
    Level.MAX: Offer(saving=0.63, seconds=20.0),
}
_LARGEST_LOG = {Level.FAST: 18, Level.BALANCED: 19, Level.BEST: 20, Level.MAX: 22}
MIN_LOG, MAX_LOG = 10, 22
LONGEST_STRIDE = 1 << 16
_PROSE_GROWTH = 4
_PIECE = {Level.FAST: 1 << 14, Level.BALANCED: 1 << 14, Level.BEST: 1 << 14, Level.MAX: 1 << 15}
"""Bytes of each of the three pieces of a sample on which forms are tried."""
_SMALL = 3 << 14
"""Up to so many bytes cost little even under all contexts, and few contexts have seen enough in them."""


class GenericCm(Compressor):
    """Context mixing: the strongest on text and binaries alike, and the slowest, decoding too."""

    method = "generic_cm_v1"
    reconstruction = "context_mixing_decode"
    family = "generic"
    by_sample = True

    def __init__(self) -> None:
        self._surroundings = Surroundings()

    def attach(self, surroundings: Surroundings) -> None:
        """Keep whom to tell progress: a large chunk takes minutes."""
        self._surroundings = surroundings

    def offer(self, context: Context) -> Offer | None:
        """Offer itself for text and binaries at the two upper levels."""
        return _OFFERS.get(context.level) if context.kind in (Kind.TEXT, Kind.BINARY) else None

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Choose a form by trial on a sample, then encode. Raises NotApplicable where the bytes would double."""
        if not data:
            return Encoded(b"", _describe(Form("general"), MIN_LOG, 0))
        sample = take_piece(data, _PIECE[context.level])
        form, encoded = self._choose(sample, context, lean=context.level is not Level.MAX and len(data) > _SMALL)
        return encoded if len(sample) == len(data) else self._encode(data, form, context.level, tell=True)

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Decode, then undo prose and filter. Raises PayloadDamaged."""
        del device
        from panini_daemon.compressors.contextmix.bytecoder import Settings, decode  # noqa: PLC0415  numba

        stride = read_int(parameters, "stride", 1, LONGEST_STRIDE)
        name = read_filter(parameters)
        is_prose = "length" in parameters
        length = size
        if is_prose:
            length = read_int(parameters, "length", 1, _PROSE_GROWTH * size + 512)
        contexts = PROFILES[read_choice(parameters, "profile", tuple(PROFILES))]
        log = read_int(parameters, "slots_log", MIN_LOG, _slots_log(length, len(contexts), MAX_LOG))
        settings = Settings(contexts, log, stride)
        if not size:
            return check_size(payload, 0)
        decoded = undo_filter(name, decode(payload, length, settings, self._tell))
        return check_size(prose.restore(decoded, size), size) if is_prose else decoded

    def memory(self, size: int, level: Level) -> int:
        """Count the slots, the places of matches, and what there is for chunks of any size."""
        log = _slots_log(size, max(map(len, PROFILES.values())), _LARGEST_LOG[level])
        return (64 << log) + (8 << window_log(size, MIN_LOG, MAX_LOG)) + 8 * size + (128 << 20)

    def _tell(self, done: int, total: int) -> None:
        self._surroundings.progress(self.method, done, total)

    def _choose(self, sample: bytes, context: Context, *, lean: bool) -> tuple[Form, Encoded]:
        """Return the form under which a sample takes least, and what it comes to."""
        forms = list_forms(sample, context.kind, lean=lean, thorough=context.level is Level.MAX)
        tried = [(form, self._encode(sample, form, context.level)) for form in forms]
        return min(tried, key=lambda one: len(one[1].payload))

    def _encode(self, data: bytes, form: Form, level: Level, *, tell: bool = False) -> Encoded:
        from panini_daemon.compressors.contextmix.bytecoder import Settings, encode  # noqa: PLC0415  numba

        contexts = PROFILES[form.profile]
        coded = prose.transform(data) if form.prose else apply_filter(form.filter, data)
        log = _slots_log(len(coded), len(contexts), _LARGEST_LOG[level])
        payload = encode(coded, Settings(contexts, log, form.stride), self._tell if tell else _be_silent)
        return Encoded(payload, _describe(form, log, len(coded)))


def _slots_log(length: int, contexts: int, largest: int) -> int:
    """Return the logarithm of the slots that `length` bytes fill: two for each byte in each context."""
    return window_log(2 * contexts * length, MIN_LOG, largest)


def _describe(form: Form, log: int, length: int) -> dict[str, Json]:
    parameters: dict[str, Json] = {"profile": form.profile, "stride": form.stride, "slots_log": log}
    if form.prose:
        parameters["length"] = length
    elif form.filter != "none":
        parameters["filter"] = form.filter
    return parameters


def _be_silent(done: int, total: int) -> None:
    del done, total
