import json
import string
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from panini_daemon.storage.github.book_changes import Changes, End, revise
from panini_daemon.storage.github.errors import GithubRefused
from panini_daemon.storage.github.lease_book import Book, Lease, Over, format_book, parse_book
from panini_daemon.storage.lease_claim import LeaseState

NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
STALE = 1800.0
WORKERS = ("a", "b", "c")
KEYS = ("j1", "j2", "j3", "j4")

times = st.integers(-7200, 7200).map(lambda seconds: NOW + timedelta(seconds=seconds))
nonces = st.builds("{}.{}".format, st.sampled_from(("p", "q")), st.integers(1, 3))
leases = st.builds(Lease, st.sampled_from(WORKERS), nonces, st.integers(1, 5), times)
marks = st.builds(Over, st.sampled_from(("done", "failed")), st.sampled_from(WORKERS), times)
books = st.builds(Book, st.dictionaries(st.sampled_from(KEYS), leases), st.dictionaries(st.sampled_from(KEYS), marks))
any_text = st.text(min_size=1) | st.text(alphabet="\udfff\x00\n", min_size=1)
any_books = st.builds(
    Book,
    st.dictionaries(any_text, st.builds(Lease, any_text, any_text, st.integers(1, 10**9), times)),
    st.dictionaries(any_text, st.builds(Over, st.sampled_from(("done", "failed")), any_text, times)),
)


@st.composite
def changes(draw: st.DrawFn) -> Changes:
    kind = {key: draw(st.sampled_from(("wanted", "held", "ended", "none"))) for key in KEYS}
    return Changes(
        worker="a",
        process="p",
        recovering=draw(st.booleans()),
        wanted={key: draw(nonces) for key in KEYS if kind[key] == "wanted"},
        held={key: draw(nonces) for key in KEYS if kind[key] == "held"},
        lost=frozenset(draw(st.sets(nonces, max_size=1))),
        ended={
            key: End(draw(nonces), draw(st.sampled_from(("done", "failed", None))))
            for key in KEYS
            if kind[key] == "ended" or (kind[key] == "wanted" and draw(st.booleans()))
        },
        swept=frozenset(draw(st.sets(st.sampled_from(KEYS)))),
    )


@given(any_books)
def test_what_is_formatted_is_parsed_again(book: Book) -> None:
    assert parse_book(format_book(book).encode()) == book


def test_the_file_is_what_its_description_says() -> None:
    book = Book({"job": Lease("w", "p.1", 2, NOW)}, {"end": Over("done", "v", NOW)})
    assert json.loads(format_book(book)) == {
        "format": "panini-leases",
        "version": 1,
        "leases": {"job": {"worker": "w", "nonce": "p.1", "attempt": 2, "expires_at": "2024-05-06T07:08:09.000Z"}},
        "over": {"end": {"state": "done", "worker": "v", "at": "2024-05-06T07:08:09.000Z"}},
    }
    assert format_book(book).isascii()
    assert format_book(Book({"b": book.leases["job"], "a": book.leases["job"]})).index('"a"') < 100


@given(st.binary(max_size=200) | st.text(alphabet=string.printable, max_size=200).map(str.encode))
@example(b"[" * 100_000)
def test_what_is_no_book_is_refused(data: bytes) -> None:
    with pytest.raises(GithubRefused):
        parse_book(data)


def _damage(path: str, value: Any) -> bytes:
    whole = json.loads(format_book(Book({"job": Lease("w", "p.1", 2, NOW)}, {"end": Over("done", "v", NOW)})))
    *way, last = path.split("/")
    place = whole
    for step in way:
        place = place[step]
    place[last] = value
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ("version", 2, "install a later version"),
        ("version", True, "expected"),
        ("format", "other", "not a book of leases"),
        ("leases", [], "expected an object"),
        ("over", None, "expected an object"),
        ("more", 1, "has the fields"),
        ("leases/job", [], "a JSON list"),
        ("leases/job/more", 1, "has the fields"),
        ("leases/job/worker", "", "expected some text"),
        ("leases/job/nonce", 7, "expected some text"),
        ("leases/job/attempt", 0, "from 1 on"),
        ("leases/job/attempt", True, "from 1 on"),
        ("leases/job/expires_at", "2024-05-06T07:08:09", "time"),
        ("leases/job/expires_at", 5, "time"),
        ("leases/job/expires_at", "0001-01-01T00:00:00+14:00", "time"),
        ("over/end/state", "maybe", "expected one of"),
        ("over/end/state", {}, "expected one of"),
        ("over/end/at", "yesterday", "time"),
    ],
)
def test_a_damaged_book_is_refused_and_says_where(path: str, value: Any, word: str) -> None:
    with pytest.raises(GithubRefused, match=word):
        parse_book(_damage(path, value))


@given(books, changes())
def test_leases_of_others_that_have_not_expired_stay_as_they_are(book: Book, wishes: Changes) -> None:
    after = revise(book, wishes, now=NOW, stale=STALE).book
    for key, lease in book.leases.items():
        if lease.worker != "a" and lease.expires_at >= NOW and not (key in wishes.ended and key in wishes.wanted):
            assert after.leases[key] == lease


@given(books, changes())
def test_whoever_is_told_that_it_holds_stands_in_the_book_and_else_nobody_new(book: Book, wishes: Changes) -> None:
    revision = revise(book, wishes, now=NOW, stale=STALE)
    for key, verdict in revision.verdicts.items():
        lease = revision.book.leases.get(key)
        nonce = wishes.wanted.get(key) or wishes.held.get(key)
        assert (verdict.state is LeaseState.HELD) == (key in revision.claimed or key in revision.renewed)
        if verdict.state is LeaseState.HELD:
            assert lease == Lease("a", str(nonce), verdict.attempt, NOW + timedelta(seconds=STALE))
    for key, lease in revision.book.leases.items():
        assert lease == book.leases.get(key) or key in revision.verdicts


@given(books, changes())
def test_a_job_that_another_worker_ended_is_given_to_nobody(book: Book, wishes: Changes) -> None:
    verdicts = revise(book, wishes, now=NOW, stale=STALE).verdicts
    for key, mark in book.over.items():
        # The mark that this very write makes comes from whoever has the lease.
        if key in wishes.wanted and mark.worker != "a" and key not in wishes.ended:
            assert verdicts[key].state is LeaseState.OVER
            assert verdicts[key].holder == mark.worker


@given(books, changes())
def test_an_attempt_is_one_above_the_lease_that_it_replaces(book: Book, wishes: Changes) -> None:
    verdicts = revise(book, wishes, now=NOW, stale=STALE).verdicts
    for key, nonce in wishes.wanted.items():
        old, verdict = book.leases.get(key), verdicts[key]
        if verdict.state is LeaseState.HELD and key not in wishes.ended:
            same = old is not None and (old.worker, old.nonce) == ("a", nonce)
            assert verdict.attempt == (1 if old is None else old.attempt if same else old.attempt + 1)


@given(books, changes())
def test_what_was_held_and_is_gone_is_lost_and_not_made_anew(book: Book, wishes: Changes) -> None:
    revision = revise(book, wishes, now=NOW, stale=STALE)
    for key, nonce in wishes.held.items():
        old = book.leases.get(key)
        mine = old is not None and (old.worker, old.nonce) == ("a", nonce)
        assert (revision.verdicts[key].state is LeaseState.HELD) == mine
        if not mine:
            assert revision.book.leases.get(key) in (old, None)


@given(books, changes())
def test_an_end_counts_only_for_the_claim_that_has_the_lease(book: Book, wishes: Changes) -> None:
    revision = revise(book, wishes, now=NOW, stale=STALE)
    for key, end in wishes.ended.items():
        assume(key not in wishes.wanted)
        old = book.leases.get(key)
        mine = old is not None and (old.worker, old.nonce) == ("a", end.nonce)
        if mine and end.outcome:
            assert revision.book.over[key] == Over(end.outcome, "a", NOW)
        elif not mine:
            assert revision.book.over.get(key) in (book.over.get(key), None)
        if mine:
            assert key not in revision.book.leases


@given(books, changes())
def test_the_same_changes_twice_are_the_same_as_once(book: Book, wishes: Changes) -> None:
    # A write whose answer was lost is made again. Ends come first in a write, so they are not repeated after a claim.
    assume(not wishes.ended.keys() & wishes.wanted.keys())
    once = revise(book, wishes, now=NOW, stale=STALE)
    granted = {key: nonce for key, nonce in wishes.held.items() if once.verdicts[key].state is LeaseState.HELD}
    again = Changes("a", "p", wishes.recovering, wishes.wanted, granted, wishes.lost, wishes.ended, swept=wishes.swept)
    assume(len(granted) == len(wishes.held))
    assert revise(once.book, again, now=NOW, stale=STALE).book == once.book


def test_a_leases_last_second_is_its_holders() -> None:
    book = Book({"j": Lease("b", "q.1", 1, NOW)})
    wish = Changes("a", "p", wanted={"j": "p.1"})
    assert revise(book, wish, now=NOW, stale=STALE).verdicts["j"].state is LeaseState.TAKEN
    later = revise(book, wish, now=NOW + timedelta(milliseconds=1), stale=STALE).verdicts["j"]
    assert (later.state, later.attempt) == (LeaseState.HELD, 2)


def test_another_process_of_the_same_name_is_another_worker_once_recovery_is_over() -> None:
    book = Book({"j": Lease("a", "q.1", 1, NOW)})
    twin = revise(book, Changes("a", "p", wanted={"j": "p.1"}), now=NOW, stale=STALE)
    assert twin.verdicts["j"].state is LeaseState.TAKEN
    first = revise(book, Changes("a", "p", recovering=True), now=NOW, stale=STALE)
    assert (first.ended, first.book) == (("j",), Book())


def test_only_dead_entries_are_swept() -> None:
    old, new = NOW - timedelta(hours=2), NOW - timedelta(minutes=30)
    book = Book(
        {"dead": Lease("b", "q.1", 1, old), "live": Lease("b", "q.2", 1, NOW)},
        {"past": Over("done", "b", old), "recent": Over("done", "b", new), "kept": Over("done", "b", old)},
    )
    swept = frozenset({"dead", "live", "past", "recent", "unknown"})
    revision = revise(book, Changes("a", "p", swept=swept), now=NOW, stale=STALE)
    assert (set(revision.book.leases), set(revision.book.over)) == ({"live"}, {"recent", "kept"})
    assert revision.swept == 2


def test_the_message_says_who_does_what_in_one_line() -> None:
    book = Book({"h": Lease("a", "p.9", 1, NOW), "e\n": Lease("a", "p.8", 1, NOW)})
    wishes = Changes("a", "p", wanted={f"j{number}": f"p.{number}" for number in range(4)}, held={"h": "p.9"}, ended={})
    revision = revise(book, wishes, now=NOW, stale=STALE)
    assert revision.describe("a") == "a: claims 4 (j0, j1, j2, ...), renews 1 (h), ends 1 (e?)"
    assert revise(book, Changes("z", "p"), now=NOW, stale=STALE).describe("z") == "z: drops 0 old entries"
