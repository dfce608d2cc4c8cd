"""The tree's account as a page with plots: one file that loads nothing."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape

from panini_daemon.account import Account, Sum
from panini_daemon.dashboard.page import STYLE, wrap_page
from panini_daemon.dashboard.plots import plot_methods
from panini_daemon.dashboard.view import MethodView
from panini_daemon.rendering import format_bytes, format_saved
from panini_daemon.storage.clock import iso

_FILES = 200


def format_report(root: str, account: Account, moment: datetime) -> str:
    """Return a self-contained page."""
    total = account.total
    tiles = [
        (format_saved(total.before, total.after), "saved"),
        (format_bytes(total.before), f"before, in {len(account.files)} files"),
        (format_bytes(total.after), f"after, in {total.chunks} chunks"),
        (format_bytes(total.recipes), "recipes"),
        (format_bytes(account.duplicates.before), f"in {account.duplicates.chunks} duplicates"),
    ]
    boxes = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(label)}</span></div>' for value, label in tiles
    )
    largest = sorted(account.files.items(), key=lambda pair: (-pair[1].before, pair[0]))
    body = [
        f'<style>{STYLE}</style><main class="panini"><h1>{escape(root)}</h1>',
        f'<p class="soft">as of {escape(iso(moment)[:19].replace("T", " "))} UTC</p><div class="tiles">{boxes}</div>',
        _plot("By method, bytes before and after", account.methods),
        _plot("By type, bytes before and after", account.types),
        _table("Saved most of", account.best()) if len(account.files) > 1 else "",
        _table("Saved least of", account.worst()) if len(account.files) > 1 else "",
        _table(f"Largest files{f', {_FILES} of {len(largest)}' if len(largest) > _FILES else ''}", largest[:_FILES]),
        "</main>",
    ]
    return wrap_page(f"panini: {root}", "".join(body))


def _plot(title: str, sums: Mapping[str, Sum]) -> str:
    rows = [MethodView(name, one.chunks, one.before, one.after) for name, one in sums.items()]
    rows.sort(key=lambda row: (-row.bytes_in, row.name))
    return f"<section><h2>{title}</h2>{plot_methods(rows)}</section>" if rows else ""


def _table(title: str, rows: Iterable[tuple[str, Sum]]) -> str:
    head = "".join(f'<th class="num">{name}</th>' for name in ("chunks", "before", "after", "saved"))
    lines = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(
            f'<td class="num">{escape(cell)}</td>'
            for cell in (
                str(one.chunks),
                format_bytes(one.before),
                format_bytes(one.after),
                format_saved(one.before, one.after),
            )
        )
        + "</tr>"
        for name, one in rows
    )
    return f"<section><h2>{escape(title)}</h2><table><tr><th>file</th>{head}</tr>{lines}</table></section>"
