"""Slices as readers see them: decoded once for a file, alone for a chunk, told by their run where that is lost."""

import hashlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from fakes.command_line import CommandLine
from fakes.memory_store import MemoryStore
from fakes.trees import commit_run

from panini_daemon.account import add_up, read_entries
from panini_daemon.compressors import Device, Registry
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.generic_gzip import GenericGzip
from panini_daemon.compressors.protocol import Json
from panini_daemon.exit_codes import ExitCode
from panini_daemon.reader import Reader
from panini_daemon.restoration import restore_file
from panini_daemon.runs import Runs, hash_slices
from panini_daemon.storage.commits import read_recipe
from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.solid import parse_slice
from panini_daemon.verification import verify_tree

PIECES = [b"one ", b"two and a half ", b"", b"three"]
CHUNKS = "compressed_chunks"


class Counting(GenericGzip):
    """Counts what it decodes."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        self.sizes.append(size)
        return super().decompress(payload, parameters, size, device)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    commit_run(store, "f", PIECES)
    return store


def reader(store: MemoryStore, codec: GenericGzip | None = None) -> Reader:
    return Reader(store, Registry([codec]) if codec else Registry(), Device())


def test_a_file_is_restored_with_one_decoding_of_its_run(store: MemoryStore, tmp_path: Path) -> None:
    codec = Counting()
    found = restore_file(reader(store, codec), f"{CHUNKS}/f", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"".join(PIECES)
    assert found.whole_file_checked
    assert codec.sizes == [len(b"".join(PIECES))]


@pytest.mark.parametrize("threads", [1, 4])
def test_a_deep_look_decodes_a_run_once_and_counts_it_once(store: MemoryStore, threads: int) -> None:
    codec = Counting()
    found = verify_tree(reader(store, codec), CHUNKS, deep=True, threads=threads)
    (run,) = [path for path in store.files if "/run_" in path]
    assert found.problems == []
    assert (found.chunks, found.compressed_size) == (len(PIECES), len(store.read(run)))
    assert len(codec.sizes) == 1


def test_a_lost_run_is_one_problem_that_names_it_and_its_chunks(store: MemoryStore) -> None:
    (run,) = [path for path in store.files if "/run_" in path]
    store.write(run, b"not this")
    (problem,) = verify_tree(reader(store), CHUNKS, deep=False).problems
    assert (problem.path, problem.error) == (run, "RunLost")
    assert "4 chunk(s), chunk_0000, chunk_0001, chunk_0002, chunk_0003" in problem.message
    assert "8 bytes; expected" in problem.message


def test_of_many_chunks_of_a_lost_run_a_few_are_named() -> None:
    store = MemoryStore()
    store.delete(commit_run(store, "f", [bytes([number]) for number in range(20)]))
    (problem,) = verify_tree(reader(store), CHUNKS, deep=False).problems
    assert "chunk_0007 and 12 more" in problem.message


def test_a_run_that_does_not_decode_is_tried_once() -> None:
    store = MemoryStore()
    commit_run(store, "f", PIECES, decoded_size=1000)
    codec = Counting()
    found = verify_tree(reader(store, codec), CHUNKS, deep=True)
    assert [problem.error for problem in found.problems] == ["PayloadDamaged"] * len(PIECES)
    assert len(codec.sizes) == 1


def test_an_outage_while_a_run_is_read_is_not_remembered() -> None:
    where = parse_slice(read_recipe(made := MemoryStore(), _first(made)))
    runs, calls = Runs(), []

    def decode() -> bytes:
        calls.append(1)
        if len(calls) == 1:
            raise StoreUnavailable("away")
        return b"bytes"

    with pytest.raises(StoreUnavailable):
        runs.get(where.run, decode)
    assert [runs.get(where.run, decode) for _ in range(2)] == [b"bytes"] * 2
    assert len(calls) == 2


def test_who_wants_a_run_that_another_decodes_waits_for_it() -> None:
    where = parse_slice(read_recipe(made := MemoryStore(), _first(made)))
    runs, started, go, found = Runs(), threading.Event(), threading.Event(), list[bytes]()

    def decode() -> bytes:
        started.set()
        assert go.wait(10)
        return b"bytes"

    first = threading.Thread(target=lambda: found.append(runs.get(where.run, decode)))
    first.start()
    assert started.wait(10)
    second = threading.Thread(target=lambda: found.append(runs.get(where.run, lambda: b"decoded twice")))
    second.start()
    go.set()
    first.join(10)
    second.join(10)
    assert found == [b"bytes", b"bytes"]


def test_slices_of_two_runs_are_not_proven_by_one() -> None:
    store = MemoryStore()
    recipes = []
    for base in ("f", "g"):
        commit_run(store, base, [base.encode() * 9, b"x"])
        recipes.append(read_recipe(store, f"{CHUNKS}/{base}/chunk_0000"))
    with pytest.raises(PayloadDamaged, match="name 2 runs"):
        hash_slices(recipes, b"", registry=Registry(), device=Device())


def test_the_account_adds_up_to_what_is_there() -> None:
    store = MemoryStore()
    commit_run(store, "f", PIECES)
    run = commit_run(store, "g", [b"a piece of text, " * 9, b"and one more"])
    copy = store.read(f"{CHUNKS}/g/chunk_0000/recipe.json").replace(b'"base":"g"', b'"base":"h"')
    store.write(f"{CHUNKS}/h/chunk_0000/recipe.json", copy)
    store.write(f"{CHUNKS}/h/chunk_0000/compressed.bin", b"")
    store.delete(f"{CHUNKS}/g/chunk_0001")
    account = add_up(read_entries(reader(store), CHUNKS))
    payloads = sum(len(data) for path, data in store.files.items() if path.endswith(".bin"))
    share = parse_slice(read_recipe(store, f"{CHUNKS}/g/chunk_0000")).share(17 * 9)
    assert account.total.after == payloads
    assert account.unclaimed == len(store.read(run)) - share > 0
    assert (account.solid.chunks, account.duplicates.chunks) == (5, 1)
    assert account.methods["generic_gzip_v1"].chunks == 6


def _first(store: MemoryStore) -> str:
    commit_run(store, "f", PIECES)
    return f"{CHUNKS}/f/chunk_0000"


TEXT = "".join(f"{number} bottles of beer on the wall\n" for number in range(300, 0, -1)).encode()


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    line = CommandLine(tmp_path, monkeypatch, capsys)
    line.write("song.txt", TEXT)
    assert line("submit", "song.txt", "--chunk-size", "2kB").code == 0
    assert line("--once", "--quiet").code == 0
    return line


def folder(cli: CommandLine) -> Path:
    return cli.folder / "PaniniFS/compressed_chunks/song.txt"


def copy_chunk(cli: CommandLine, target: str) -> None:
    for name in ("recipe.json", "compressed.bin"):
        cli.write(f"{target}/{name}", (folder(cli) / "chunk_0001" / name).read_bytes())


def test_commands_restore_verify_and_report_a_file_in_slices(cli: CommandLine) -> None:
    assert cli("restore", "song.txt", "-o", "whole").code == 0
    assert (cli.folder / "whole").read_bytes() == TEXT
    assert cli("restore", "song.txt", "--chunk", "1", "-o", "one").code == 0
    assert (cli.folder / "one").read_bytes() == TEXT[2000:4000]
    assert cli("verify", "--deep").code == 0
    payloads = sum(path.stat().st_size for path in folder(cli).rglob("*.bin"))
    told = json.loads(cli("report", "--json").out)
    assert (told["total"]["after"], told["solid"]["after"], told["unclaimed"]) == (payloads, payloads, 0)
    assert "compressed together" in cli("report").out


def test_a_copied_folder_of_chunks_is_decompressed_with_the_run_beside_them(cli: CommandLine) -> None:
    folder(cli).rename(cli.folder / "copied")
    assert cli("decompress", "copied", "-o", "whole").code == 0
    assert (cli.folder / "whole").read_bytes() == TEXT
    assert cli("decompress", "copied/chunk_0001", "-o", "one").code == 0
    assert (cli.folder / "one").read_bytes() == TEXT[2000:4000]


def test_a_lone_chunk_folder_says_which_run_it_needs_and_takes_it_beside_its_files(cli: CommandLine) -> None:
    (run,) = folder(cli).glob("run_*.bin")
    copy_chunk(cli, "lone")
    ran = cli("decompress", "lone", "-o", "one")
    assert ran.code == ExitCode.DAMAGE
    assert f"compressed_chunks/song.txt/{run.name}" in ran.err
    assert "copy" in ran.err
    cli.write(f"lone/{run.name}", run.read_bytes())
    assert cli("decompress", "lone", "-o", "one").code == 0
    assert (cli.folder / "one").read_bytes() == TEXT[2000:4000]


def test_a_run_whose_hash_is_right_for_another_name_is_not_taken(cli: CommandLine) -> None:
    (run,) = folder(cli).glob("run_*.bin")
    copy_chunk(cli, "lone")
    cli.write(f"lone/{run.name}", hashlib.sha256(b"").digest())
    assert cli("decompress", "lone", "-o", "one").code == ExitCode.DAMAGE


def test_verify_tells_a_lost_run_once(cli: CommandLine) -> None:
    (run,) = folder(cli).glob("run_*.bin")
    run.unlink()
    ran = cli("verify", "--json")
    assert ran.code == ExitCode.DAMAGE
    (problem,) = ran.json["problems"]
    assert problem["path"].endswith(run.name)
