"""Settings: panini.toml, the environment, and how sizes, durations and names are written."""

import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fuzz.target import Target, raw
from panini_daemon.config import values
from panini_daemon.config.errors import ConfigError
from panini_daemon.config.loader import load
from panini_daemon.config.machine import Machine, parse_mounts
from panini_daemon.config.settings import Loaded

_GROUP = "settings"
_MACHINE = Machine(
    host="host", pid=42, nonce="abc123", user="1000", cores=2, memory=2**33, temporary=Path(tempfile.gettempdir())
)
_TOML = b"""root = "tree"
worker = "w1"
level = "best"
memory_budget = "2GiB"
chunk_timeout = 90
runtime_limit = "11h"
github_repo = "o/r"
"""
_ENVIRON = {
    "PANINI_MEMORY_BUDGET": "4GiB",
    "PANINI_LEVEL": "fast",
    "PANINI_CPU_WORKERS": "2",
    "PANINI_DEVICE": "cuda:1",
    "PANINI_GITHUB_URL": "https://h/api/v3",
    "GITHUB_REPO": "o/r",
    "GITHUB_TOKEN": "x",
    "PANINI_SHARED": "auto",
}
_READERS: tuple[Callable[[object], object], ...] = (
    *(values.parse_size, values.parse_duration, values.parse_count, values.parse_shared, values.parse_switch),
    values.parse_workers,
    *(values.check_worker, values.check_method, values.check_device, values.check_token, values.check_repository),
    *(values.check_ref, values.check_repository_path, values.check_url, values.check_folder),
)


_TOML_VALUES = (
    *("[" * 900 + "]" * 900, "{a = " * 900 + "1" + "}" * 900, "1" * 5000, "0x" + "f" * 9000, "1e999", "nan", "-inf"),
    *("2024-13-45", "9999-12-31T23:59:59+23:59", "07:08:09", '"""', "'\\u0000'", '"\\ud800"', '"\\U0010ffff"', "[[a]]"),
    *("true", "{}", "[]", '["a", 1]', '""', '"\\u0000"', "-1", "1_0", "0o7", '"' + "a" * 9000 + '"', "\ufeff", "\x1b"),
)


def _mutate_toml(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Give some settings other values, or sections and keys that stand twice; now and then change its bytes."""
    lines = chance.choice(seeds).decode().splitlines()
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(lines))
        name = lines[at].partition(" = ")[0]
        told = f"{name} = {chance.choice(_TOML_VALUES)}"
        lines[at] = chance.choice((told, told, told, f"[{name}]", f"[[{name}.{name}]]", f"{name}.{name} = 1", lines[0]))
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    return raw([data], chance) if chance.random() < 0.3 else data


def config_targets() -> Iterator[Target]:
    """Yield the targets."""
    yield Target(
        "settings.file", _GROUP, lambda: [_TOML], lambda: _load_file, (Loaded,), (ConfigError,), _mutate_toml, share=0.3
    )
    yield Target(
        *("settings.environment", _GROUP, lambda: [json.dumps(_ENVIRON).encode()], lambda: _load_environment),
        returns=(Loaded,),
        raises=(ConfigError,),
        share=0.1,
    )
    yield Target(
        *("settings.values", _GROUP, lambda: [json.dumps(["4GiB", "90s", 1.5, "cuda:1", "o/r"]).encode()]),
        make=lambda: _read_values,
        returns=(int,),
        raises=(),
    )
    mounts = b"proc /proc proc rw 0 0\ndrive /content/drive fuse.drive rw 0 0\n/dev/x /a\\040b fuseblk rw 0 0\n"
    yield Target("settings.mounts", _GROUP, lambda: [mounts], lambda: _mounts, (tuple,), (), raw, share=0.2)


def _load_file(case: bytes) -> object:
    with tempfile.TemporaryDirectory(prefix="panini-fuzz-") as folder:
        (Path(folder) / "panini.toml").write_bytes(case)
        return load({}, environ={}, cwd=Path(folder), machine=_MACHINE)


def _load_environment(case: bytes) -> object:
    """An environment holds neither NUL nor characters that the system's encoding has not: the rest goes in."""
    try:
        told = json.loads(case)
    except (ValueError, RecursionError):
        told = {}
    environ = {str(name): str(value)[:20_000] for name, value in told.items()} if isinstance(told, dict) else {}
    return load({}, environ=environ, cwd=Path("/nonexistent"), machine=_MACHINE)


def _read_values(case: bytes) -> object:
    """A reader refuses with ValueError, which the settings' model turns into one line about the setting."""
    try:
        told = json.loads(case)
    except (ValueError, RecursionError):
        told = [case.decode("utf-8", "surrogateescape")]
    count = 0
    for value in told if isinstance(told, list) else [told]:
        for read in _READERS:
            said = ""
            try:
                read(value)
                count += 1
            except ValueError as error:
                said = str(error)
            assert not said or said.startswith("expected"), said
    return count


def _mounts(case: bytes) -> object:
    return parse_mounts(case.decode("utf-8", "surrogateescape"))
