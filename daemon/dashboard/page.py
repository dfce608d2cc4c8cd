"""The dashboard as HTML: a whole page that opens from anywhere, or its body for a notebook.

Nothing is loaded: one file, light or dark as the reader's system is. A page that nobody writes any more says so by
itself, once it is read in a browser.
"""

from html import escape

from panini_daemon.dashboard import words
from panini_daemon.dashboard.plots import plot_methods, plot_rates, plot_saved
from panini_daemon.dashboard.series import cut
from panini_daemon.dashboard.view import Dashboard, Life, WorkerView
from panini_daemon.rendering import format_bytes, format_saved, format_seconds
from panini_daemon.storage.clock import iso

_STEPS = 120
_STOPPED = 8

_AGE = """<script>(()=>{const p=document.getElementById("age"),at=Date.parse(p.dataset.at),show=()=>{
const m=Math.floor((Date.now()-at)/60000);if(m<1)return;const t=m<120?m+" min":Math.floor(m/60)+" h";
p.textContent="written "+t+" ago"+(m>LATE?": no worker writes this page any more":"");p.className=m>LATE?"bad":"soft"};
show();setInterval(show,30000)})()</script>"""
_LATE_MINUTES = 15

STYLE = """
.panini{--bg:#fcfcfa;--card:#fff;--ink:#1c1e21;--soft:#5f6670;--line:#dfe2e6;--blue:#2166c4;--green:#177a45;
--red:#b3261e;--bar:#b9c3cf;background:var(--bg);color:var(--ink);
font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;padding:16px;max-width:1080px;margin:0 auto}
@media (prefers-color-scheme:dark){.panini{--bg:#15181c;--card:#1d2126;--ink:#e6e8ea;--soft:#9aa3ad;--line:#343a41;
--blue:#6aa9f4;--green:#57c98b;--red:#f28b82;--bar:#4a545f}}
.panini *{box-sizing:border-box}
.panini h1{font-size:19px;margin:0 0 2px;overflow-wrap:anywhere}
.panini h2{font-size:15px;margin:0 0 8px}
.panini p{margin:0}.panini .soft{color:var(--soft)}
.panini .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:14px 0}
.panini .tile,.panini section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px}
.panini .tile b{display:block;font-size:20px;font-weight:650;font-variant-numeric:tabular-nums}
.panini .tile span{color:var(--soft);font-size:13px}
.panini section{margin:10px 0;overflow-x:auto}
.panini .two{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:10px}
.panini .two section{margin:0}
.panini table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.panini th{color:var(--soft);font-weight:500;text-align:left;font-size:13px}
.panini td,.panini th{text-align:left;padding:4px 10px 4px 0;border-top:1px solid var(--line);vertical-align:top}
.panini tr:first-child th{border-top:0}.panini th.num,.panini td.num{text-align:right;white-space:nowrap}
.panini .state{white-space:nowrap}.panini .state::before{content:"";display:inline-block;width:9px;height:9px;
border-radius:50%;margin-right:6px;background:var(--soft)}
.panini .alive .state::before{background:var(--green)}.panini .dead .state::before{background:var(--red)}
.panini .dead .state{color:var(--red)}.panini .stopped{color:var(--soft)}
.panini .bad{color:var(--red);overflow-wrap:anywhere}
.panini svg{width:100%;max-width:720px;height:auto;display:block}.panini svg text{fill:var(--soft);font-size:12px}
.panini svg .name{fill:var(--ink)}.panini svg .grid{stroke:var(--line)}
.panini svg .line{fill:none;stroke-width:2}.panini svg .line.rate{stroke:var(--blue)}
.panini svg .line.saved{stroke:var(--green)}.panini svg .fill{opacity:.16}.panini svg .fill.rate{fill:var(--blue)}
.panini svg .fill.saved{fill:var(--green)}.panini svg .before{fill:var(--bar)}.panini svg .after{fill:var(--blue)}
@media (max-width:640px){.panini .workers tr:first-child{display:none}
.panini .workers tr{display:grid;grid-template-columns:1fr 1fr;gap:0 12px;padding:6px 0}
.panini .workers tr+tr+tr{border-top:1px solid var(--line)}
.panini .workers td{border:0;padding:1px 0}
.panini .workers td.num{text-align:left}.panini .workers .wide{grid-column:1/-1}
.panini .workers td[title]::before{content:attr(title) " ";color:var(--soft)}
.panini svg text{font-size:14px}}
"""


def format_page(view: Dashboard) -> str:
    """Return a self-contained page."""
    age = _AGE.replace("LATE", str(_LATE_MINUTES))
    return wrap_page(f"panini: {words.tell_queue(view)}", format_body(view) + age, refresh=True)


def wrap_page(title: str, body: str, *, refresh: bool = False) -> str:
    """Return a whole document around a body; with `refresh` it is loaded anew every minute."""
    again = '<meta http-equiv="refresh" content="60">' if refresh else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="color-scheme" content="light dark">{again}<title>{escape(title)}</title>'
        "<style>body{margin:0;background:#fcfcfa}@media (prefers-color-scheme:dark){body{background:#15181c}}</style>"
        f"</head><body>{body}</body></html>\n"
    )


def format_body(view: Dashboard) -> str:
    """Return what stands in the page, with its style, to be put into another document."""
    series = cut(view.history, view.at.timestamp(), _STEPS)
    at = escape(iso(view.at))
    parts = [
        f"<style>{STYLE}</style>",
        f'<main class="panini"><h1>{escape(view.root)}</h1>',
        f'<p class="soft">as of {at[:19].replace("T", " ")} UTC <span id="age" data-at="{at}"></span></p>',
        _tiles(view),
        _workers(view),
    ]
    plots = [
        f"<section><h2>{title}</h2>{plot}</section>"
        for title, plot in (
            (f"Throughput, last {format_seconds(series.end - series.start)}", plot_rates(series)),
            ("Bytes saved in that time", plot_saved(series)),
        )
        if plot
    ]
    if plots:
        parts.append(f'<div class="two">{"".join(plots)}</div>')
    if view.methods:
        parts.append(f"<section><h2>Methods, bytes before and after</h2>{plot_methods(view.methods)}</section>")
    parts.append(_failures(view))
    return "".join([*parts, "</main>"])


def _tiles(view: Dashboard) -> str:
    alive = sum(worker.life is Life.ALIVE for worker in view.workers)
    jobs = view.jobs
    left = format_seconds(view.seconds_left) if view.seconds_left is not None and view.bytes_waiting else "-"
    tiles = [
        (f"{alive}", "worker running" if alive == 1 else "workers running"),
        (words.tell_rate(view.rate), "now"),
        (format_saved(view.bytes_in, view.bytes_out), f"saved of {format_bytes(view.bytes_in)}"),
        (f"{jobs.inbox}", f"jobs in the inbox, {format_bytes(view.bytes_waiting)} waiting"),
        (left, "left at this rate"),
        (f"{jobs.done}", "jobs done"),
        (f"{jobs.failed}", "jobs failed"),
    ]
    if view.space_free is not None and view.space_total:
        tiles.append((format_bytes(view.space_free), f"free of {format_bytes(view.space_total)}"))
    return '<div class="tiles">' + "".join(tile(value, label) for value, label in tiles) + "</div>"


def tile(value: str, label: str) -> str:
    """Return a box with one number and what it is."""
    return f'<div class="tile"><b>{escape(value)}</b><span>{escape(label)}</span></div>'


def _workers(view: Dashboard) -> str:
    if not view.workers:
        return "<section><h2>Workers</h2><p>No worker has run here yet.</p></section>"
    head = "".join(
        f"<th{' class=num' if number else ''}>{name}</th>"
        for name, number in (
            ("worker", False), ("state", False), ("seen", False), ("device", False), ("rate", True), ("chunks", True),
            ("in", True), ("out", True), ("saved", True),
        )
    )  # fmt: skip
    gone = sorted(
        (worker for worker in view.workers if worker.life is not Life.ALIVE),
        key=lambda one: one.age if one.age is not None else float("inf"),
    )
    shown = [worker for worker in view.workers if worker.life is Life.ALIVE] + gone[:_STOPPED]
    rows = "".join(_worker(worker) for worker in shown)
    more = f'<p class="soft">and {len(gone) - _STOPPED} that ended earlier</p>' if len(gone) > _STOPPED else ""
    return f'<section><h2>Workers</h2><table class="workers"><tr>{head}</tr>{rows}</table>{more}</section>'


def _worker(worker: WorkerView) -> str:
    device = "<br>".join(escape(text) for text in (worker.device, *map(words.tell_gpu, worker.gpus)) if text)
    link = (
        f'<br><span class="soft">GitHub: {escape(words.describe_link(worker.github))}</span>' if worker.github else ""
    )
    link += "".join(f'<br><span class="soft">{escape(words.tell_ongoing(one))}</span>' for one in worker.ongoing)
    rate = words.tell_rate(worker.rate) if worker.life is Life.ALIVE else "-"
    numbers = {
        "rate": rate,
        "chunks": str(worker.chunks),
        "in": format_bytes(worker.bytes_in),
        "out": format_bytes(worker.bytes_out),
        "saved": format_saved(worker.bytes_in, worker.bytes_out),
    }
    cells = "".join(f'<td class="num" title="{name}">{escape(told)}</td>' for name, told in numbers.items())
    return (
        f'<tr class="{worker.life}"><td class="wide"><b>{escape(worker.name)}</b>{link}</td>'
        f'<td class="state">{escape(words.tell_life(worker))}</td>'
        f'<td title="seen">{escape(words.tell_age(worker))}</td>'
        f'<td class="wide">{device}</td>{cells}</tr>'
    )


def _failures(view: Dashboard) -> str:
    told = {failure.worker for failure in view.failures}
    rows = [
        f"<tr><td>{escape(one.at[:16].replace('T', ' '))}</td><td>{escape(one.chunk)}</td>"
        f'<td class="bad">{escape(one.error)}: {escape(one.message)}</td></tr>'
        for one in view.failures
    ]
    rows += [
        f'<tr><td></td><td>{escape(worker.name)}</td><td class="bad">{escape(worker.last_error)}</td></tr>'
        for worker in view.workers
        if worker.last_error and worker.name not in told and worker.life is Life.ALIVE
    ]
    if not rows:
        return ""
    return f"<section><h2>Recent failures</h2><table>{''.join(rows)}</table></section>"
