import csv
import json
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.command_line import CommandLine

from panini_daemon.account import Account, Entry, Sum, add_up
from panini_daemon.dashboard.report_page import format_report
from panini_daemon.exit_codes import ExitCode


def entry(base: str, before: int, after: int, method: str = "generic_xz_v1", **fields: object) -> Entry:
    usual = {"chunk_id": 0, "type": "text", "recipe_size": 900, "worker": "w"}
    return Entry(base=base, before=before, after=after, method=method, **{**usual, **fields})  # type: ignore[arg-type]


def test_sums_are_those_of_the_chunks_and_what_is_shared_is_told_apart() -> None:
    account = add_up(
        [
            entry("a", 10_000, 2_000),
            entry("b", 10_000, 9_000, "text_ppmd_v1", type="png_v1"),
            entry("b", 5_000, 0),
            entry("c", 10_000, 0, "dedup_reference_v1"),
            "compressed_chunks/d/chunk_0000",
        ]
    )
    assert account.total == Sum(4, 35_000, 11_000, 3_600)
    assert account.methods["text_ppmd_v1"].after == 9_000
    assert account.types["png_v1"].chunks == 1
    assert (account.duplicates.chunks, account.duplicates.before) == (1, 10_000)
    assert account.broken == ["compressed_chunks/d/chunk_0000"]
    assert [base for base, _ in account.best()] == ["c", "a", "b"]
    assert [base for base, _ in account.worst()] == ["b", "a", "c"]


def test_tiny_files_are_not_among_the_best_and_worst() -> None:
    account = Account()
    account.add(entry("tiny", 8, 8))
    assert account.best() == []


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    line = CommandLine(tmp_path, monkeypatch, capsys)
    line.write("a.txt", b"words and words\n" * 3000)
    line.write("b+i.bin", bytes(range(256)) * 40)
    assert line("submit", "a.txt", "b+i.bin", "--chunk-size", "20kB").code == 0
    assert line("--once", "--quiet", "--level", "fast").code == 0
    return line


def test_the_report_agrees_with_the_tree(cli: CommandLine, tmp_path: Path) -> None:
    told = json.loads(cli("report", "--json", "--csv", "chunks.csv", "--html", "page.html").out)
    payloads = list((tmp_path / "PaniniFS/compressed_chunks").rglob("compressed.bin"))
    recipes = list((tmp_path / "PaniniFS/compressed_chunks").rglob("recipe.json"))
    assert told["total"] == {
        "chunks": len(payloads),
        "before": 58_240,
        "after": sum(path.stat().st_size for path in payloads),
        "recipes": sum(path.stat().st_size for path in recipes),
    }
    assert sum(one["after"] for one in told["methods"].values()) == told["total"]["after"]
    assert set(told["files"]) == {"a.txt", "b+i.bin"}
    with (tmp_path / "chunks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["after"]) for row in rows) == told["total"]["after"]
    page = (tmp_path / "page.html").read_text()
    assert "b+i.bin" in page


def test_a_person_reads_totals_methods_and_files(cli: CommandLine) -> None:
    ran = cli("report")
    assert ran.code == ExitCode.OK
    assert "2 files, 4 chunks: 58.2 kB before" in ran.out
    assert "generic_zstd_v1" in ran.out
    assert "saved least of" in ran.out


def test_a_report_on_one_base_counts_only_that(cli: CommandLine) -> None:
    assert json.loads(cli("report", "a.txt", "--json").out)["total"]["before"] == 48_000


def test_a_chunk_without_a_readable_recipe_is_told(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "PaniniFS/compressed_chunks/a.txt/chunk_0001/recipe.json").write_text("{")
    ran = cli("report")
    assert "1 chunks have no readable recipe" in ran.out
    assert json.loads(cli("report", "--json").out)["broken"] == ["compressed_chunks/a.txt/chunk_0001"]


def test_an_empty_tree_has_an_account_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = CommandLine(tmp_path, monkeypatch, capsys)
    assert cli("--once", "--quiet").code == 0
    assert "no chunk is committed here yet" in cli("report", "--html", "page.html").out
    assert "</html>" in (tmp_path / "page.html").read_text()


def test_names_in_the_page_cannot_become_markup() -> None:
    evil = "<script>alert(1)</script>"
    account = add_up([entry(evil, 9000, 1, evil, type=evil), entry("a", 9000, 2)])
    page = format_report(evil, account, FakeClock().now())
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") >= 5
