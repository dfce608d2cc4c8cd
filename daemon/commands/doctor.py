"""`doctor`: check everything that goes wrong, and say what to do about it."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from panini_daemon.commands.common import load_settings, print_json, tell_errors
from panini_daemon.config import Settings
from panini_daemon.doctor import machine, repository, tree
from panini_daemon.doctor.findings import Check, Finding, Health, examine
from panini_daemon.exit_codes import ExitCode
from panini_daemon.gpu_use import read_gpus
from panini_daemon.logs import make_redactor
from panini_daemon.rendering import open_console
from panini_daemon.storage.clock import SystemClock
from panini_daemon.stores import open_store, secrets_of

_MARKS = {Health.GOOD: "✓", Health.WARNING: "!", Health.BAD: "✗", Health.SKIPPED: "-"}
_PLAIN = {Health.GOOD: "ok", Health.WARNING: "! ", Health.BAD: "NO", Health.SKIPPED: "- "}
_STYLES = {Health.GOOD: "green", Health.WARNING: "yellow", Health.BAD: "red", Health.SKIPPED: "dim"}


@tell_errors
def examine_all(flags: Mapping[str, object], *, as_json: bool, offline: bool) -> int:
    """Print what was found; return the exit status, 3 where anything is bad."""
    settings = load_settings(flags)
    hide = make_redactor(secrets_of(settings, os.environ))
    findings: list[Finding] = []
    console = open_console()
    marks = _MARKS if console.encoding.startswith("utf") else _PLAIN
    for raw in examine(_list_checks(settings, offline=offline)):
        finding = Finding(raw.name, raw.health, hide(raw.found), hide(raw.remedy))
        findings.append(finding)
        if not as_json:
            console.print(f"{marks[finding.health]} {finding.name}: {finding.found}", style=_STYLES[finding.health])
            if finding.remedy:
                console.print(f"  → {finding.remedy}" if marks is _MARKS else f"  -> {finding.remedy}")
    wrong = sum(finding.health is Health.BAD for finding in findings)
    warnings = sum(finding.health is Health.WARNING for finding in findings)
    if as_json:
        print_json({"findings": [asdict(one) for one in findings], "bad": wrong, "warnings": warnings})
    else:
        console.print(f"\n{wrong} bad, {warnings} to be looked at, {len(findings) - wrong - warnings} good or not used")
    return ExitCode.DAMAGE if wrong else ExitCode.OK


def _list_checks(settings: Settings, *, offline: bool) -> Iterator[tuple[str, Check]]:
    """Yield the checks in the order in which one thing needs another."""
    clock = SystemClock()
    yield "python", machine.check_python
    yield "packages", machine.check_packages
    yield "gpu", lambda: machine.check_gpu(settings)
    yield "plugins", machine.check_plugins
    yield "models", lambda: machine.check_models(settings, has_gpu=bool(read_gpus()))
    yield "spool", lambda: machine.check_spool(settings)
    yield from _tree_checks(settings, clock)
    if not offline:
        yield "github", lambda: repository.check_github(settings, clock)


def _tree_checks(settings: Settings, clock: SystemClock) -> Iterator[tuple[str, Check]]:
    root = list(examine([("root", lambda: tree.check_root(settings))]))
    yield "root", lambda: root
    if any(finding.name == "root" and finding.health is Health.BAD for finding in root):
        return
    store = open_store(settings.root)
    yield "delay", lambda: tree.check_delay(store)
    yield "workers", lambda: tree.check_workers(store, settings, clock)
    yield "inbox", lambda: tree.check_inbox(store, settings, clock)
    yield "leases", lambda: tree.check_leases(store, settings)
    yield "failed jobs", lambda: tree.check_failed(store)
