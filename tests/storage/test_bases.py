import pytest
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore

from panini_daemon.storage.bases import Bases
from panini_daemon.storage.errors import NameCollision


def test_a_base_in_another_spelling_is_refused_and_the_same_one_is_not() -> None:
    store = MemoryStore()
    store.write("compressed_chunks/Photos/a.png/manifest.json", b"{}")
    bases = Bases(store, FakeClock())
    bases.claim("Photos/a.png")
    bases.claim("Photos/b.png")
    for base in ("photos/c.png", "Photos/A.png", "Photos/B.PNG"):
        with pytest.raises(NameCollision, match="letter case"):
            bases.claim(base)


def test_unicode_forms_of_one_name_collide() -> None:
    bases = Bases(MemoryStore(), FakeClock())
    bases.claim("caf\u00e9")
    with pytest.raises(NameCollision):
        bases.claim("cafe\u0301")


def test_what_another_worker_adds_is_seen_after_a_minute() -> None:
    store, clock = MemoryStore(), FakeClock()
    bases = Bases(store, clock)
    bases.claim("mine")
    store.write("compressed_chunks/Theirs/manifest.json", b"{}")
    clock.advance(61)
    with pytest.raises(NameCollision):
        bases.claim("theirs")


def test_a_folder_is_listed_once_for_many_bases() -> None:
    store = MemoryStore()
    bases = Bases(store, FakeClock())
    for number in range(50):
        bases.claim(f"file-{number}")
    assert store.operations.count(("list", "compressed_chunks")) == 1
