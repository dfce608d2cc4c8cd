import hashlib
import math
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors.contextmix import coding, counters, histories, logistic, mixing, refinement, slots

TABLES = "224b87b85727e8a09fe5b478ca081b14747f2f5843075e5d34d559e019f9532d"
CHANCES = st.integers(1, 65535)


def encode(bits: list[tuple[int, int]]) -> "np.ndarray":
    out = np.zeros(2 * len(bits) + 8, np.uint8)
    coder = coding.make_encoder()
    for bit, chance in bits:
        coding.encode_bit(coder, out, bit, chance)
    return out[: coding.finish_encoder(coder, out)]


@given(bits=st.lists(st.tuples(st.integers(0, 1), CHANCES), max_size=300))
@settings(deadline=None)
def test_bits_come_back_under_the_chances_they_were_written_with(bits: list[tuple[int, int]]) -> None:
    data = encode(bits)
    coder = coding.make_decoder(data)
    assert [coding.decode_bit(coder, data, chance) for _, chance in bits] == [bit for bit, _ in bits]
    assert not coding.is_exhausted(coder, data)


def test_a_stream_is_about_as_long_as_its_bits_are_unlikely() -> None:
    rng = random.Random(1)
    bits = [
        (int(rng.random() * 65536 < chance), chance) for chance in (rng.choice([9, 700, 60000]) for _ in range(4000))
    ]
    ideal = sum(-math.log2(chance / 65536 if bit else 1 - chance / 65536) for bit, chance in bits) / 8
    assert ideal < len(encode(bits)) < ideal + 3 + ideal / 500


def test_a_decoder_that_reads_far_behind_its_stream_says_so() -> None:
    data = encode([(1, 300)] * 40)[:9]
    coder = coding.make_decoder(data)
    for _ in range(2000):
        coding.decode_bit(coder, data, 32768)
    assert coding.is_exhausted(coder, data)


def test_a_full_buffer_is_an_error_and_no_stray_write() -> None:
    out, coder = np.zeros(2, np.uint8), coding.make_encoder()
    coding.encode_bit(coder, out, 1, 1)
    coding.encode_bit(coder, out, 0, 32768)
    with pytest.raises(IndexError):
        coding.encode_bit(coder, out, 1, 1)


def test_squash_is_the_logistic_function_to_the_last_place() -> None:
    table = logistic.make_squash()
    for odds in range(-3072, 3072):
        exact = 65536 / (1 + math.exp(-odds / 256))
        assert abs(int(table[odds + 3072]) - min(max(exact, 1), 65535)) <= 0.5001
    assert logistic.squash(table, -99999) == table[0]
    assert logistic.squash(table, 99999) == table[-1]


def test_the_tables_are_those_that_payloads_were_written_with() -> None:
    made = histories.make_histories()
    tables = (logistic.make_squash(), logistic.make_stretch(), counters.make_rates(), *made)
    whole = b"".join(table.astype("<i4").tobytes() for table in tables)
    assert hashlib.sha256(whole).hexdigest() == TABLES


def test_stretch_is_what_squash_undoes() -> None:
    squash, stretch = logistic.make_squash(), logistic.make_stretch()
    for chance in range(200, 65336, 16):
        back = logistic.squash(squash, logistic.stretch(stretch, chance))
        assert abs(back - chance) <= 8 + 65536 // 256 // 4
    assert stretch[0] == -logistic.STRETCHED
    assert stretch[-1] == logistic.STRETCHED


def test_a_mixer_learns_which_input_to_believe() -> None:
    rng = random.Random(2)
    squash = logistic.make_squash()
    weights = mixing.make_weights(2, 3, mixing.WEIGHT_ONE // 3)
    for _ in range(3000):
        bit = rng.randrange(2)
        inputs = np.array([600 if bit else -600, rng.choice([-600, 600]), 256], np.int32)
        odds = mixing.mix(weights, 3, inputs, 3)
        mixing.train(weights, 3, inputs, 3, mixing.step_of(bit, logistic.squash(squash, odds), 200))
    assert weights[3] > mixing.WEIGHT_ONE
    assert abs(weights[4]) < mixing.WEIGHT_ONE // 2
    assert list(weights[:3]) == [mixing.WEIGHT_ONE // 3] * 3


@given(
    inputs=st.lists(st.integers(-4095, 4095), min_size=1, max_size=8),
    steps=st.lists(st.integers(-(1 << 18), 1 << 18), max_size=40),
)
@settings(deadline=None)
def test_weights_stay_within_their_bounds(inputs: list[int], steps: list[int]) -> None:
    given_ = np.array(inputs, np.int32)
    weights = mixing.make_weights(1, len(inputs), 0)
    for step in steps:
        mixing.train(weights, 0, given_, len(inputs), step)
    assert np.abs(weights).max(initial=0) <= mixing.HEAVIEST
    assert abs(mixing.mix(weights, 0, given_, len(inputs))) <= logistic.FARTHEST


@given(bits=st.lists(st.integers(0, 1), max_size=80), rate=st.integers(1, 12))
@settings(deadline=None)
def test_chances_follow_the_bits_and_never_reach_certainty(bits: list[int], rate: int) -> None:
    chance = counters.HALF
    counted = counters.make_counted(np.array([1, 65535], np.int64))
    for bit in bits:
        before = chance
        chance = counters.nudge(chance, bit, rate)
        assert chance >= before if bit else chance <= before
        counters.counted_learn(counted, 0, bit, 30, counters.make_rates())
    assert 1 <= chance <= 65535
    assert 0 <= counters.counted_chance(counted, 0) <= 65535
    assert int(counted[0]) & 511 == min(len(bits), 30)


def test_a_counted_chance_is_about_the_share_of_ones() -> None:
    counted = counters.make_counted(np.array([32768], np.int64))
    for bit in [1, 1, 1, 0] * 60:
        counters.counted_learn(counted, 0, bit, 511, counters.make_rates())
    assert abs(counters.counted_chance(counted, 0) - 49152) < 500


def test_histories_count_what_they_saw_and_all_lead_to_histories() -> None:
    made = histories.make_histories()
    assert (made.zeros[0], made.ones[0]) == (0, 0)
    state = 0
    for bit in (0, 1, 1):
        state = int(made.follow[2 * state + bit])
    assert (made.zeros[state], made.ones[state]) == (1, 2)
    state = 0
    for _ in range(100):
        state = int(made.follow[2 * state])
    assert (made.zeros[state], made.ones[state]) == (40, 0)
    broken = int(made.follow[2 * state + 1])
    assert made.zeros[broken] <= 7
    assert made.ones[broken] == 1
    reached, edge = {0}, {0}
    while edge:
        edge = {int(made.follow[2 * one + bit]) for one in edge for bit in (0, 1)} - reached
        reached |= edge
    assert len(reached) == 229


def test_histories_mirror_each_other() -> None:
    made = histories.make_histories()
    rng = random.Random(3)
    state = mirror = 0
    for _ in range(2000):
        bit = int(rng.random() < 0.7)
        state, mirror = int(made.follow[2 * state + bit]), int(made.follow[2 * mirror + 1 - bit])
        assert (made.zeros[state], made.ones[state]) == (made.ones[mirror], made.zeros[mirror])


def test_a_refinement_begins_as_it_is_and_learns_what_comes() -> None:
    squash = logistic.make_squash()
    chances = refinement.make_refinement(2)
    for odds in range(-3071, 3072, 64):
        place = refinement.refinement_place(1, odds)
        assert abs(refinement.refined(chances, place) - logistic.squash(squash, odds)) < 700
    place = refinement.refinement_place(1, 0)
    for _ in range(200):
        refinement.refine_learn(chances, place, 1, 5)
    assert refinement.refined(chances, place) > 64000
    assert refinement.refined(chances, refinement.refinement_place(0, 0)) == 32768


def test_a_slot_keeps_its_context_and_the_least_worth_one_goes() -> None:
    table = slots.make_slots(2)
    first = slots.find_slot(table, 1234567)
    table[first + 1], table[first + 9] = 200, 77
    assert slots.find_slot(table, 1234567) == first
    for key in range(60):
        place = slots.find_slot(table, key * 7919)
        assert place % slots.WORDS == 0
        table[place + 1] = max(int(table[place + 1]), 5)
    assert slots.find_slot(table, 1234567) == first
    assert table[first + 9] == 77


def test_a_slot_that_is_taken_anew_is_empty() -> None:
    table = slots.make_slots(2)
    for key in range(100):
        place = slots.find_slot(table, key * 104729)
        assert not table[place + 1 : place + slots.WORDS].any() or key == 0
        table[place + 1 : place + slots.WORDS] = 9


_SOURCE = """
import numpy as np
from panini_daemon.compressors.contextmix import coding, counters, histories, logistic, mixing, refinement, slots
squash, stretch, rates = logistic.make_squash(), logistic.make_stretch(), counters.make_rates()
made = histories.make_histories()
counted = counters.make_counted(histories.make_chances(made))
table, weights = slots.make_slots(4), mixing.make_weights(4, 2, 20000)
apm, nudged = refinement.make_refinement(4), [counters.HALF] * 7
out, coder, inputs = np.zeros(4000, np.uint8), coding.make_encoder(), np.zeros(2, np.int32)
for number in range(600):
    bit = int(number * number % 7 < 3)
    slot = slots.find_slot(table, slots.hash_pair(number % 97, number * 0x9E3779B1 & 0xFFFFFFFF))
    state = int(table[slot + 17])
    inputs[0] = logistic.stretch(stretch, counters.counted_chance(counted, state))
    inputs[1] = logistic.stretch(stretch, nudged[number % 7])
    odds = mixing.mix(weights, number % 4 * 2, inputs, 2)
    chance = logistic.squash(squash, odds)
    place = refinement.refinement_place(number % 4, odds)
    coding.encode_bit(coder, out, bit, min(max(refinement.refined(apm, place) + chance >> 1, 1), 65535))
    mixing.train(weights, number % 4 * 2, inputs, 2, mixing.step_of(bit, chance, 30))
    refinement.refine_learn(apm, place, bit, 6)
    counters.counted_learn(counted, state, bit, 255, rates)
    nudged[number % 7] = counters.nudge(nudged[number % 7], bit, 4)
    table[slot + 17] = made.follow[2 * state + bit]
    table[slot + 1] = min(int(table[slot + 1]) + 1, 255)
print(out[: coding.finish_encoder(coder, out)].tobytes().hex(), int(weights.sum()))
"""


@pytest.mark.slow
def test_compiled_and_plain_primitives_agree(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_SOURCE)
    answers = {
        subprocess.run(
            [sys.executable, script],
            env={**os.environ, "NUMBA_DISABLE_JIT": plain},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        for plain in ("0", "1")
    }
    assert len(answers) == 1
    assert len(answers.pop()) > 60
