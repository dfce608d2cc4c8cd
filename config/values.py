"""How sizes, durations and names are written in panini.toml, the environment and flags."""

import math
import os
import re

from panini_daemon.config.object_url import ObjectUrl, parse_object_url

_NUMBER = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([a-z]*)", re.IGNORECASE | re.ASCII)
_BINARY = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_DECIMAL = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZES = {"": 1} | {name.lower(): factor for name, factor in (_BINARY | _DECIMAL).items()}
_LONG = {"d": 86400, "h": 3600, "m": 60}
_DURATIONS = {"": 1.0, "ms": 0.001, "s": 1.0, **_LONG}
_SWITCHES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_MOST_WORKERS = 256
LONGEST_WORKER = 80
_WORKER = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_WORKER - 1}}}")
_METHOD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")
_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?", re.ASCII)
_TOKEN = re.compile(r"[!-~]+")
_REPOSITORY = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,99})/(?!\.\.?$)([A-Za-z0-9._-]{1,100})")
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")

SIZE_EXPECTED = 'expected a size such as "4GiB", "512MB" or a whole number of bytes'
DURATION_EXPECTED = 'expected a duration such as 90, "90s", "5m" or "12h" (units: ms, s, m, h, d)'


def parse_size(value: object) -> int:
    """Read a size in bytes from an integer or a text such as `4GiB` (2**30) or `512MB` (10**6).

    Raises ValueError saying what is expected.
    """
    amount = _read_quantity(value, _SIZES)
    if amount is None or amount != int(amount):
        raise ValueError(SIZE_EXPECTED)
    return int(amount)


def parse_duration(value: object) -> float:
    """Read a duration in seconds from a number or a text such as `90s`, `5m` or `12h`.

    Raises ValueError saying what is expected.
    """
    amount = _read_quantity(value, _DURATIONS)
    if amount is None:
        raise ValueError(DURATION_EXPECTED)
    return float(amount)


def format_size(size: int) -> str:
    """Write a size so that `parse_size` reads the same number of bytes again."""
    for unit, factor in reversed((_BINARY | {"MB": 10**6}).items()):
        if size >= factor and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def format_duration(seconds: float) -> str:
    """Write a duration so that `parse_duration` reads the same number of seconds again."""
    for unit, factor in _LONG.items():
        if seconds >= factor and seconds % factor == 0:
            return f"{seconds / factor:.0f}{unit}"
    return f"{seconds:.0f}s" if seconds == round(seconds) else f"{seconds!r}s"


def check_worker(value: object) -> str:
    """Return a worker id that is a safe file name. Raises ValueError."""
    return _match(value, _WORKER, "expected up to 80 letters, digits, '.', '_' or '-', not starting with a sign")


def parse_workers(value: object) -> int | None:
    """Read `auto` (as None) or a number of processes. Raises ValueError."""
    if isinstance(value, str) and value.lower() == "auto":
        return None
    amount = _read_quantity(value, {"": 1})
    if amount is None or amount != int(amount) or not 1 <= amount <= _MOST_WORKERS:
        raise ValueError(f"expected 'auto' or a whole number from 1 to {_MOST_WORKERS}")
    return int(amount)


def check_method(value: object) -> str:
    """Return a compression method, a family or `auto`. Raises ValueError."""
    return _match(value, _METHOD, "expected 'auto', a method ('generic_zstd_v1') or a family ('text')")


def check_device(value: object) -> str:
    """Return a device name. Raises ValueError."""
    return _match(value, _DEVICE, "expected 'auto', 'cpu', 'cuda' or 'cuda:<number>'")


def check_token(value: object) -> str:
    """Return an access token without the white space around it. Raises ValueError, which does not show it."""
    stripped = value.strip() if isinstance(value, str) else value
    return _match(stripped, _TOKEN, "expected an access token: printable characters without spaces")


def check_repository(value: object) -> str:
    """Return a repository's full name. Raises ValueError."""
    return _match(value, _REPOSITORY, "expected a GitHub repository as owner/name")


def check_ref(value: object) -> str:
    """Return a branch, tag or commit, by git's rules for names (git check-ref-format). Raises ValueError."""
    text = value if isinstance(value, str) else ""
    banned = any(part in text for part in ("..", "//", "@{", "\\")) or text.startswith(("/", "-")) or text.endswith("/")
    if not text or banned or any(character in " ~^:?*[" or not character.isprintable() for character in text):
        raise ValueError("expected a branch, a tag or a commit's full SHA")
    return text


def check_repository_path(value: object) -> str:
    """Return a folder of a repository without slashes at its ends; empty for the whole. Raises ValueError."""
    text = value.strip("/") if isinstance(value, str) else "."
    if text and any(part in ("", ".", "..") or not part.isprintable() for part in text.split("/")):
        raise ValueError("expected a folder of the repository, such as 'pending_compression'")
    return text


def check_url(value: object) -> str:
    """Return the base URL of an API without a slash at its end; one that holds a password is refused."""
    url = _match(value, _URL, "expected a URL such as https://api.github.com or https://HOST/api/v3")
    return url.rstrip("/")


def check_folder(value: object) -> object:
    """Return a folder's path. Raises ValueError for a text that can be none."""
    text = str(value)
    if isinstance(value, str | os.PathLike) and text and "\0" not in text:
        return value
    raise ValueError("expected the path of a folder")


def check_root(value: object) -> object:
    """Return a folder's path, or the place in an object store that a URL names. Raises ValueError."""
    if isinstance(value, ObjectUrl):
        return value
    return parse_object_url(value) if isinstance(value, str) and "://" in value else check_folder(value)


def parse_count(value: object) -> int:
    """Read a whole number. Raises ValueError."""
    amount = _read_quantity(value, {"": 1})
    if amount is None or amount != int(amount):
        raise ValueError("expected a whole number")
    return int(amount)


def parse_shared(value: object) -> bool | None:
    """Read `auto` (as None), `true` or `false`. Raises ValueError."""
    text = str(value).lower()
    if text == "auto":
        return None
    if text not in _SWITCHES:
        raise ValueError("expected 'auto', true or false")
    return _SWITCHES[text]


def parse_switch(value: object) -> bool:
    """Read `true` or `false`. Raises ValueError."""
    text = str(value).lower()
    if text not in _SWITCHES:
        raise ValueError("expected true or false")
    return _SWITCHES[text]


def _match(value: object, pattern: re.Pattern[str], expected: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise ValueError(expected)


def _read_quantity(value: object, units: dict[str, int] | dict[str, float]) -> int | float | None:
    """Return a finite amount that is not negative, an int wherever no fraction is involved, or None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    factor: float = 1
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value.strip())
        if found is None or found[2].lower() not in units:
            return None
        factor = units[found[2].lower()]
        # Only so many digits are an integer: what is longer is too large whatever it is, and Python refuses it.
        value = int(found[1]) if found[1].isdigit() and len(found[1]) < 400 else float(found[1])
    try:
        amount = value * factor
        fits = math.isfinite(amount) and 0 <= amount < 2**63
    except OverflowError:
        return None
    return amount if fits else None
