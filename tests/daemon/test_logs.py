import io
import json

import pytest
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore

from panini_daemon.logs import Logger, TreeLog, make_logger
from panini_daemon.storage.errors import StoreUnavailable

PATH = "logs/w.jsonl"


def tree_log(store: MemoryStore, max_bytes: int = 1 << 20, backups: int = 2) -> TreeLog:
    return TreeLog(store, PATH, max_bytes=max_bytes, backups=backups)


def logger(tree: TreeLog | None, screen: io.StringIO | None = None, level: str = "info", *secrets: str) -> Logger:
    return make_logger(clock=FakeClock(), level=level, tree=tree, screen=screen, secrets=secrets)


def lines(store: MemoryStore, path: str = PATH) -> list[dict[str, object]]:
    return [json.loads(line) for line in store.read(path).splitlines()]


def test_each_event_is_one_json_line_with_its_bound_fields() -> None:
    store = MemoryStore()
    tree = tree_log(store)
    logger(tree).bind(worker="w", job="j").info("chunk_committed", size=3)
    tree.flush()
    assert lines(store) == [
        {
            "timestamp": "2024-05-06T07:08:09.000Z",
            "level": "info",
            "worker": "w",
            "job": "j",
            "size": 3,
            "event": "chunk_committed",
        }
    ]


def test_lines_are_kept_while_the_folder_is_away_and_written_in_order_later() -> None:
    store = MemoryStore()
    tree = tree_log(store)
    log = logger(tree)
    fault = store.fail(StoreUnavailable("away"), times=None)
    log.info("first")
    assert not tree.flush()
    log.info("second")
    fault.clear()
    assert tree.flush()
    assert [line["event"] for line in lines(store)] == ["first", "second"]
    tree.flush()
    assert len(lines(store)) == 2


def test_a_full_log_is_rotated_and_the_oldest_goes() -> None:
    store = MemoryStore()
    tree = tree_log(store, max_bytes=200, backups=2)
    log = logger(tree)
    for number in range(6):
        log.info("event", text="x" * 100, number=number)
        tree.flush()
    kept = [[line["number"] for line in lines(store, path)] for path in (PATH, f"{PATH}.1", f"{PATH}.2")]
    assert kept == [[5], [4], [3]]


def test_a_restarted_worker_appends_to_its_log() -> None:
    store = MemoryStore()
    for name in ("before", "after"):
        tree = tree_log(store)
        logger(tree).info(name)
        tree.flush()
    assert [line["event"] for line in lines(store)] == ["before", "after"]


def test_events_below_the_level_are_dropped() -> None:
    store = MemoryStore()
    tree = tree_log(store)
    log = logger(tree, None, "warning")
    log.info("quiet")
    log.warning("loud")
    tree.flush()
    assert [line["event"] for line in lines(store)] == ["loud"]


@pytest.mark.parametrize(
    "secret", ["s3cret-value", "ghp_abcdefghijklmnop1234", "github_pat_11ABCDEFG0abcdefghijk_xyz", "ghs_" + "a" * 36]
)
def test_no_secret_reaches_tree_or_screen_wherever_it_hides(secret: str) -> None:
    store, screen = MemoryStore(), io.StringIO()
    tree = tree_log(store)
    log = logger(tree, screen, "info", "s3cret-value")
    log.bind(bound=f"x{secret}" if secret[0] == "s" else secret).info(
        "event", text=f"url?token={secret}", nested={"list": [secret], secret: 1}, error=f"Bearer {secret}!"
    )
    tree.flush()
    assert secret not in store.read(PATH).decode()
    assert secret not in screen.getvalue()
    assert "********" in store.read(PATH).decode()


def test_a_person_reads_the_chunk_and_not_the_hashes() -> None:
    screen = io.StringIO()
    logger(None, screen).bind(worker="w", job="j").info(
        "chunk_committed", chunk="a/chunk_0000", sha256="f" * 64, tries=1, seconds={"fetch": 0.5, "commit": 0.25}
    )
    text = screen.getvalue()
    assert "chunk=a/chunk_0000" in text
    assert "seconds=0.75" in text
    assert "f" * 64 not in text
    assert "07:08:09" in text


def test_a_name_that_is_no_text_is_logged_in_escapes() -> None:
    store = MemoryStore()
    log = TreeLog(store, "logs/w.jsonl", max_bytes=1000, backups=1)
    log.add('{"path": "caf\udce9"}')
    log.flush()
    assert json.loads(store.read("logs/w.jsonl"))["path"] == "caf\udce9"
