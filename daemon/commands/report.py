"""`report`: the whole tree's account, for a person, as JSON, as a table of chunks, or as a page with plots."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panini_daemon.account import Account, Entry, Sum, add_up, read_entries
from panini_daemon.commands.common import load_settings, open_tree, print_json, tell_errors
from panini_daemon.compressors import Registry
from panini_daemon.compressors.device import Device
from panini_daemon.dashboard.report_page import format_report
from panini_daemon.exit_codes import ExitCode
from panini_daemon.reader import Reader
from panini_daemon.rendering import counting, format_bytes, format_saved, open_console
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.names import safe_base
from panini_daemon.storage.root import CHUNKS
from panini_daemon.whole_file import whole_file

if TYPE_CHECKING:
    from rich.table import Table

_ROWS = 15


@tell_errors
def report_tree(
    flags: Mapping[str, object], base: str | None, *, as_json: bool, table: Path | None, page: Path | None
) -> int:
    """Print the account; write each chunk to `table` (CSV) and a page to `page` where they are given."""
    settings = load_settings(flags)
    reader = Reader(open_tree(settings), Registry(), Device())
    folder = f"{CHUNKS}/{safe_base(base)}" if base else CHUNKS
    with counting("chunks looked at") as count:
        entries: Iterable[Entry | str] = read_entries(reader, folder, on_chunk=count)
        if table is not None:
            entries = _copy_to(table, entries)
        account = add_up(entries)
    if page is not None:
        with whole_file(page) as file:
            file.write(format_report(str(settings.root), account, SystemClock().now()).encode("utf-8", "replace"))
    if as_json:
        print_json(_as_json(str(settings.root), account))
    else:
        _show(str(settings.root), account)
    return ExitCode.OK


def _copy_to(path: Path, entries: Iterable[Entry | str]) -> Iterator[Entry | str]:
    """Pass entries on, and write each as a line of CSV; the file is there when all have passed."""
    with whole_file(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        writer = csv.writer(text)
        writer.writerow([one.name for one in fields(Entry)])
        for entry in entries:
            if isinstance(entry, Entry):
                writer.writerow(astuple(entry))
            yield entry
        text.flush()
        text.detach()


def _as_json(root: str, account: Account) -> dict[str, Any]:
    return {
        "root": root,
        "total": asdict(account.total),
        "saved": account.total.before - account.total.after,
        **{name: _sums(getattr(account, name)) for name in ("files", "methods", "types", "workers")},
        "duplicates": asdict(account.duplicates),
        "broken": account.broken,
    }


def _sums(sums: Mapping[str, Sum]) -> dict[str, dict[str, int]]:
    return {name: asdict(one) for name, one in sorted(sums.items(), key=lambda pair: (-pair[1].before, pair[0]))}


def _show(root: str, account: Account) -> None:
    console, total = open_console(), account.total
    console.print(root, soft_wrap=True)
    if not total.chunks:
        console.print("no chunk is committed here yet")
        return
    console.print(
        f"{len(account.files)} files, {total.chunks} chunks: {format_bytes(total.before)} before, "
        f"{format_bytes(total.after)} after, {format_saved(total.before, total.after)} saved; "
        f"recipes take {format_bytes(total.recipes)}",
        soft_wrap=True,
    )
    if account.duplicates.chunks:
        console.print(
            f"duplicates: {account.duplicates.chunks} chunks of {format_bytes(account.duplicates.before)} are there "
            "already and take nothing",
            soft_wrap=True,
        )
    for title, sums in (("method", account.methods), ("type", account.types)):
        console.print()
        console.print(_table(title, sorted(sums.items(), key=lambda pair: (-pair[1].before, pair[0]))))
    if len(account.files) > 1:
        for title, files in (("saved most of", account.best()), ("saved least of", account.worst())):
            console.print()
            console.print(_table(title, files))
    if account.broken:
        console.print()
        console.print(f"{len(account.broken)} chunks have no readable recipe; `verify` says why", soft_wrap=True)


def _table(title: str, rows: Iterable[tuple[str, Sum]]) -> "Table":
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title, overflow="fold")
    for name in ("chunks", "before", "after", "saved"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, one in list(rows)[:_ROWS]:
        saved = format_saved(one.before, one.after)
        table.add_row(name, str(one.chunks), format_bytes(one.before), format_bytes(one.after), saved)
    return table
