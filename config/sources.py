"""The places that settings come from, each as a mapping from a setting's name to what was found there."""

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from panini_daemon.config.errors import Problem

FILE_NAME = "panini.toml"
PREFIX = "PANINI_"
CONFIG_VARIABLE = "PANINI_CONFIG"
TOKEN = "github_token"  # noqa: S105  a setting's name, no token
TOKEN_VARIABLE = "GITHUB_TOKEN"  # noqa: S105
_LARGEST = 1 << 20
_PLAIN = {TOKEN: TOKEN_VARIABLE, "github_repo": "GITHUB_REPO"}
"""Settings that are also read from a variable without the prefix."""


@dataclass(frozen=True, slots=True)
class Source:
    """What one place sets: value and origin by setting name, and what is wrong with the place itself."""

    values: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def read_flags(flags: Mapping[str, object], known: Collection[str]) -> Source:
    """Take the flags that were given; None stands for one that was not. `config` names a file, no setting."""
    given = {name: value for name, value in flags.items() if value is not None and name != "config"}
    return _sort_out(given, known, lambda name: "--" + name.replace("_", "-"))


def read_environment(environ: Mapping[str, str], known: Collection[str]) -> Source:
    """Take PANINI_*, GITHUB_TOKEN and GITHUB_REPO; an empty variable counts as unset."""
    given = {
        variable.removeprefix(PREFIX).lower(): value
        for variable, value in environ.items()
        if value and variable.startswith(PREFIX) and variable.isupper() and variable != CONFIG_VARIABLE
    }
    origins: dict[str, str] = {}
    for name, variable in _PLAIN.items():
        if name not in given and environ.get(variable):
            given[name] = environ[variable]
            origins[name] = variable
    return _sort_out(given, known, lambda name: origins.get(name, PREFIX + name.upper()))


def find_file(
    flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path, root: Path | None
) -> tuple[Path | None, str]:
    """Choose the one configuration file that is read, and tell who named it ("" where nobody did).

    --config wins, then PANINI_CONFIG, then panini.toml in the current folder, then panini.toml in the root.
    Only one is read; files are never merged.
    """
    named = flags.get("config")
    if named is not None:
        return cwd / str(named), "--config"
    if environ.get(CONFIG_VARIABLE):
        return cwd / environ[CONFIG_VARIABLE], CONFIG_VARIABLE
    for folder in (cwd, root):
        if folder is not None and (folder / FILE_NAME).is_file():
            return folder / FILE_NAME, ""
    return None, ""


def read_file(path: Path, named_by: str, root: Path | None, known: Collection[str]) -> Source:
    """Read a panini.toml. `root` is the root as flags, environment or default have it, None for no folder."""
    try:
        if (size := path.stat().st_size) > _LARGEST:
            return _refuse(path, named_by, f"has {size} bytes; expected a TOML file of at most {_LARGEST}")
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return _refuse(path, named_by, f"cannot be read ({error.strerror}); expected a TOML file")
    except UnicodeDecodeError as error:
        return _refuse(path, named_by, f"is not UTF-8 (at byte {error.start}); expected a TOML file")
    except ValueError as error:  # TOMLDecodeError, and what Python says of numbers and dates that it does not take
        return _refuse(path, named_by, f"is not TOML: {error}")
    except RecursionError:
        return _refuse(path, named_by, "is nested too deeply; expected a list of settings")
    refused = {TOKEN: f"a token does not belong in a file; set {TOKEN_VARIABLE} in the environment"}
    if root is not None and path.parent.resolve() == root.resolve():
        refused["worker"] = "this file is read by every worker on the root, and their ids must differ"
        refused["root"] = "this file was found in the root, so it cannot say where the root is"
    problems = tuple(Problem(name, None, str(path), why) for name, why in refused.items() if name in given)
    accepted = {name: value for name, value in given.items() if name not in refused}
    source = _sort_out(accepted, known, lambda _: str(path))
    return Source(source.values, source.origins, source.problems + problems)


def _refuse(path: Path, named_by: str, why: str) -> Source:
    return Source(problems=(Problem(str(path), None, named_by or "found there", why),))


def _sort_out(given: Mapping[str, object], known: Collection[str], origin: Callable[[str], str]) -> Source:
    """Part known names from unknown ones, whose values are not shown: one may be a misspelt token's."""
    values = {name: value for name, value in given.items() if name in known}
    problems = tuple(Problem(name, None, origin(name), _suggest(name, known)) for name in given if name not in known)
    return Source(values, {name: origin(name) for name in values}, problems)


def _suggest(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name.lower().replace("-", "_"), known, n=1)
    return "there is no such setting" + (f"; did you mean {close[0]}?" if close else "")
