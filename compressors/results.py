"""What compressing a chunk gives: the payload that won, and what was tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from panini_daemon.compressors.protocol import Hints, Json, Kind


@dataclass(frozen=True, slots=True)
class Item:
    """One chunk of a batch."""

    data: bytes
    hints: Hints = field(default_factory=Hints)


@dataclass(frozen=True, slots=True)
class Trial:
    """One codec's attempt: its payload's `size` in bytes, or the `error` it ended with, and its `seconds`."""

    method: str
    size: int | None
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The smallest payload, and everything that the recipe says of it; `chosen` says in short why it was taken."""

    method: str
    reconstruction: str
    payload: bytes
    kind: Kind
    parameters: Mapping[str, Json] = field(default_factory=dict)
    trials: tuple[Trial, ...] = ()
    chosen: str = ""


def explain_choice(method: str, size: int, trials: Sequence[Trial], ruled_out: Sequence[str]) -> str:
    """Tell in a few words why a payload of `size` bytes by `method` was taken."""
    sizes = sorted((trial.size, trial.method) for trial in trials if trial.size is not None)
    words = [f"smallest of {len(sizes)} tried" if any(name == method for _, name in sizes) else "nothing was smaller"]
    others = [(other, name) for other, name in sizes if name != method]
    if others and size:
        other, name = others[0]
        words.append(f"{name} next, +{100 * (other - size) / size:.1f} %")
    if ruled_out:
        words.append(f"ruled out by a sample: {', '.join(ruled_out)}")
    return "; ".join(words)
