from fakes.tiny_model import tiny_vocabulary
from hypothesis import given
from hypothesis import strategies as some

from panini_daemon.compressors.language.vocabulary import split_words


@given(some.binary(max_size=200) | some.text(max_size=100).map(str.encode))
def test_any_bytes_come_back(data: bytes) -> None:
    vocabulary = tiny_vocabulary()
    assert vocabulary.decode(vocabulary.encode(data)) == data


@given(some.binary(max_size=200) | some.text(max_size=100).map(str.encode))
def test_words_are_cut_without_a_gap(data: bytes) -> None:
    assert b"".join(split_words(data)) == data


def test_words_keep_the_space_before_them_and_digits_stand_alone() -> None:
    words = [b"It", b"'s", b" the", b" ", b"1", b"9", b" cats", b",", b" and", b"\n  ", b" x", b"_"]
    assert list(split_words(b"".join(words))) == words


def test_lower_ranks_merge_first() -> None:
    vocabulary = tiny_vocabulary()
    assert [vocabulary.tokens[token] for token in vocabulary.encode(b" the than")] == [b" the", b" ", b"th", b"an"]


def test_a_byte_without_a_token_takes_two_nibbles() -> None:
    vocabulary = tiny_vocabulary()
    assert vocabulary.encode(b"\xc0\x04") == [1 + 0xC, 1, 1, 1 + 4]


def test_half_a_pair_of_nibbles_counts_for_nothing() -> None:
    vocabulary = tiny_vocabulary()
    assert vocabulary.decode([3, *vocabulary.encode(b"a"), 5]) == b"a"
