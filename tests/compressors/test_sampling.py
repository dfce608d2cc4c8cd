"""A sample spares trials that cannot win, and no others."""

import random
from collections.abc import Mapping

import pytest
from fakes.codecs import FakeCodec

from panini_daemon.compressors import Context, Device, Encoded, Json, Level, Registry, compress
from panini_daemon.compressors.passthrough import Passthrough
from panini_daemon.compressors.results import Trial, explain_choice
from panini_daemon.compressors.sampling import PIECE, PIECES, WORTH, take_sample

NOISE = random.Random(1).randbytes(WORTH)


class Share(FakeCodec):
    """Gives payloads of a share of what it gets, and cannot decode them."""

    def __init__(self, method: str, share: float, *, saving: float, by_sample: bool = True) -> None:
        super().__init__(method, saving=saving)
        self.by_sample = by_sample  # type: ignore[misc]
        self.share = share
        self.asked: list[int] = []

    def compress(self, data: bytes, context: Context) -> Encoded:
        self.asked.append(len(data))
        return Encoded(data[: int(len(data) * self.share)])

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        return NOISE[:size]


def tried(*codecs: FakeCodec, level: Level = Level.BALANCED, data: bytes = NOISE) -> tuple[list[str], str]:
    result = compress(data, registry=Registry([Passthrough(), *codecs]), level=level)
    return [trial.method for trial in result.trials], result.chosen


@pytest.mark.parametrize(
    ("level", "share", "spared"),
    [
        (Level.BALANCED, 0.54, False),
        (Level.BALANCED, 0.56, True),
        (Level.BEST, 0.62, False),
        (Level.BEST, 0.64, True),
        (Level.MAX, 0.99, False),
    ],
)
@pytest.mark.parametrize("by_sample", [True, False])
def test_a_codec_is_spared_from_where_its_sample_is_clearly_larger(
    level: Level, share: float, spared: bool, by_sample: bool
) -> None:
    first = Share("first_v1", 0.5, saving=0.9, by_sample=by_sample)
    methods, chosen = tried(first, Share("second_v1", share, saving=0.5), level=level)
    assert methods == ["first_v1"] + ([] if spared else ["second_v1"])
    assert ("ruled out by a sample: second_v1" in chosen) is spared


def test_a_codec_with_an_eye_for_structure_is_never_judged_by_a_sample() -> None:
    last = Share("last_v1", 0.99, saving=0.1, by_sample=False)
    methods, _ = tried(Share("first_v1", 0.2, saving=0.9), last)
    assert methods == ["first_v1", "last_v1"]
    assert last.asked == [WORTH]


def test_nothing_is_ruled_out_by_the_bytes_as_they_are() -> None:
    methods, _ = tried(Share("first_v1", 1.0, saving=0.9), Share("second_v1", 0.99, saving=0.5))
    assert methods == ["first_v1", "second_v1"]


def test_what_is_ruled_out_takes_nobodys_place_in_the_budget() -> None:
    weak = [Share(f"weak{number}_v1", 0.9, saving=0.8 - number / 100) for number in range(4)]
    methods, _ = tried(Share("first_v1", 0.2, saving=0.9), *weak, Share("last_v1", 0.1, saving=0.1))
    assert methods == ["first_v1", "last_v1"]


def test_few_bytes_are_not_sampled() -> None:
    second = Share("second_v1", 0.99, saving=0.5)
    tried(Share("first_v1", 0.2, saving=0.9), second, data=NOISE[: WORTH - 1])
    assert second.asked == [WORTH - 1]


def test_a_sample_is_spread_over_the_bytes_from_first_to_last() -> None:
    data = bytes(WORTH - 1) + b"!"
    sample = take_sample(data, Context(Level.BEST))
    assert sample is not None
    assert (len(sample.data), sample.data[-1:]) in {(PIECES * PIECE, b"!"), (PIECES * PIECE, b"\0")}
    assert take_sample(data, Context(Level.FAST)) is None


def test_the_reason_names_how_many_were_tried_and_the_next_one() -> None:
    trials = [Trial("a_v1", 100, 0.0), Trial("b_v1", 110, 0.0), Trial("c_v1", None, 0.0, "broke")]
    assert explain_choice("a_v1", 100, trials, []) == "smallest of 2 tried; b_v1 next, +10.0 %"
    assert explain_choice("passthrough_v1", 90, trials, ["d_v1"]) == (
        "nothing was smaller; a_v1 next, +11.1 %; ruled out by a sample: d_v1"
    )
