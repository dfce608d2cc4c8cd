"""zlib's search for matches, from its published algorithm, led along the tokens that a stream really has.

At each token the search says what zlib would write. Where the stream has another, it is noted and the search goes on
behind it; where tokens are made again, the notes say where to differ.
"""

import numpy as np

from panini_daemon.compressors.deflate.tables import MAX_MATCH, MIN_MATCH, Bytes, Ints, Longs
from panini_daemon.compressors.kernels import kernel

LEVELS = np.array(
    [
        *((0, 0, 0, 0), (4, 4, 8, 4), (4, 5, 16, 8), (4, 6, 32, 32), (4, 4, 16, 16), (8, 16, 32, 32)),
        *((8, 16, 128, 128), (8, 32, 128, 256), (32, 128, 258, 1024), (32, 258, 258, 4096)),
    ],
    dtype=np.int32,
)
"""For each level: chains are cut from this length on; matches up to this one are looked behind for a longer one, or for
levels to 3 have their bytes entered; this length is enough; links of a chain."""
LAST_FAST = 3
DEFAULT, FILTERED, HUFFMAN, RUNS = 0, 1, 2, 3
_AHEAD = MAX_MATCH + MIN_MATCH + 1
AT, LENGTH, START, PENDING, STATES = 0, 1, 2, 3, 4


@kernel
def enter(content: Bytes, at: int, shift: int, head: Ints, previous: Ints) -> int:
    """Enter the three bytes at a place into the chains; return where they were last, or -1."""
    if at + MIN_MATCH > content.size:
        return -1
    key = ((int(content[at]) << 2 * shift) ^ (int(content[at + 1]) << shift) ^ int(content[at + 2])) & (head.size - 1)
    last = int(head[key])
    previous[at & (previous.size - 1)] = last
    head[key] = at
    return last


@kernel
def find_longest(
    content: Bytes, at: int, candidate: int, shortest: int, chain: int, enough: int, previous: Ints
) -> tuple[int, int]:
    """Return length and place of the first longest match, of more than `shortest` bytes, along a chain."""
    most = min(MAX_MATCH, content.size - at)
    enough = min(enough, most)
    limit = max(at - (previous.size - _AHEAD), 0)
    best, start = shortest, -1
    if candidate == limit and candidate > 0:  # the first may be a byte further away than the others
        limit -= 1
    while candidate > limit and chain > 0:
        limit = max(at - (previous.size - _AHEAD), 0)
        if best < most and content[candidate + best] == content[at + best]:
            length = 0
            while length < most and content[candidate + length] == content[at + length]:
                length += 1
            if length > best:
                best, start = length, candidate
                if length >= enough:
                    break
        candidate = int(previous[candidate & (previous.size - 1)])
        chain -= 1
    return min(best, most), start


@kernel
def count_run(content: Bytes, at: int) -> int:
    """Count how often the byte before a place comes again, at most 258 times."""
    if at == 0:
        return 0
    most = min(MAX_MATCH, content.size - at)
    length = 0
    while length < most and content[at + length] == content[at - 1]:
        length += 1
    return length


@kernel
def predict(content: Bytes, setting: Ints, state: Longs, head: Ints, previous: Ints) -> int:
    """Return the next token that zlib would write, -1 at the end. `settle` must follow."""
    level, strategy, shift = int(setting[0]), int(setting[1]), int(setting[2])
    good, lazy, enough, links = LEVELS[level, 0], LEVELS[level, 1], LEVELS[level, 2], LEVELS[level, 3]
    at = int(state[AT])
    if strategy >= HUFFMAN or level <= LAST_FAST:
        if at >= content.size:
            return -1
        if strategy >= HUFFMAN:
            length, start = count_run(content, at) if strategy == RUNS else 0, at - 1
        else:
            last = enter(content, at, shift, head, previous)
            length, start = find_longest(content, at, last, MIN_MATCH - 1, links, enough, previous)
        return length << 16 | (at - start) if length >= MIN_MATCH else 0
    while at < content.size:
        last = enter(content, at, shift, head, previous)
        before, place = int(state[LENGTH]), int(state[START])
        length, start = MIN_MATCH - 1, -1
        if last > 0 and before < lazy:
            chain = links >> 2 if before >= good else links
            length, start = find_longest(content, at, last, before, chain, enough, previous)
            if start < 0 or (
                length <= 5 and (strategy == FILTERED or (length == MIN_MATCH and at - start > int(setting[5])))
            ):
                length = MIN_MATCH - 1
        state[LENGTH], state[START] = length, start
        if before >= MIN_MATCH and length <= before:
            return before << 16 | (at - 1 - place)
        if state[PENDING]:
            return 0
        state[PENDING] = 1
        at += 1
        state[AT] = at
    return 0 if state[PENDING] else -1


@kernel
def settle(content: Bytes, setting: Ints, state: Longs, head: Ints, previous: Ints, token: int) -> None:
    """Go on behind the token that there really is."""
    level, strategy, shift = int(setting[0]), int(setting[1]), int(setting[2])
    at, length = int(state[AT]), token >> 16 & 511
    if strategy >= HUFFMAN:
        state[AT] = at + max(length, 1)
    elif level <= LAST_FAST:
        if length and length <= LEVELS[level, 1] and at + length + MIN_MATCH <= content.size:
            for place in range(at + 1, at + length):
                enter(content, place, shift, head, previous)
        state[AT] = at + max(length, 1)
    elif length:
        for place in range(at + 1, at - 1 + length):
            enter(content, place, shift, head, previous)
        state[AT], state[PENDING], state[LENGTH] = at - 1 + length, 0, MIN_MATCH - 1
    else:
        state[PENDING] = 1 if at < content.size else 0
        state[AT] = min(at + 1, content.size)


@kernel
def begin_of(setting: Ints, state: Longs) -> int:
    """Tell where the predicted token begins."""
    return int(state[AT]) - (1 if int(setting[0]) > LAST_FAST and int(setting[1]) < HUFFMAN else 0)


@kernel
def follow(
    content: Bytes, setting: Ints, told: Ints, most: int, notes: Longs, tokens: Ints, counts: Longs
) -> tuple[int, int]:
    """Follow the tokens `told`; note where zlib would write another: token number and token, `most` notes at most.

    A negative entry of `told` stands for so many bytes that were stored: whatever zlib would write there is right.
    How many tokens that is, each, goes into `counts`; all tokens into `tokens`. Returns counts of tokens and of notes;
    -1 for the first where there would be more notes, or tokens do not keep to the stored bytes.
    """
    head, previous = np.full(1 << int(setting[3]), -1, np.int32), np.full(1 << int(setting[4]), -1, np.int32)
    state = np.zeros(STATES, np.int64)
    state[LENGTH] = MIN_MATCH - 1
    token, noted, place, region, end = 0, 0, 0, 0, -1
    while True:
        guess = predict(content, setting, state, head, previous)
        if guess < 0:
            return (token if place == told.size else -1), noted
        real, here = guess, begin_of(setting, state)
        if end < 0 and told[place] < 0:
            end = here - int(told[place])
        if end >= 0:
            if here + max(guess >> 16, 1) > end:
                return -1, noted
            counts[region] += 1
            if here + max(guess >> 16, 1) == end:
                end, place, region = -1, place + 1, region + 1
        else:
            real = int(told[place])
            place += 1
        if real != guess:
            if noted >= most:
                return -1, noted
            notes[noted, 0], notes[noted, 1] = token, real
            noted += 1
        tokens[token] = real
        token += 1
        settle(content, setting, state, head, previous, real)


@kernel
def repeat(content: Bytes, setting: Ints, notes: Longs, tokens: Ints) -> int:
    """Make the tokens again from the notes; return their count, -1 where the notes fit no such content."""
    head, previous = np.full(1 << int(setting[3]), -1, np.int32), np.full(1 << int(setting[4]), -1, np.int32)
    state = np.zeros(STATES, np.int64)
    state[LENGTH] = MIN_MATCH - 1
    token, noted = 0, 0
    while True:
        guess = predict(content, setting, state, head, previous)
        if guess < 0:
            return token if noted == len(notes) else -1
        if noted < len(notes) and notes[noted, 0] == token:
            guess = int(notes[noted, 1])
            noted += 1
            if begin_of(setting, state) + max(guess >> 16 & 511, 1) > content.size:
                return -1
        tokens[token] = guess
        token += 1
        settle(content, setting, state, head, previous, guess)
