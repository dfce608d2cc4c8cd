"""Put the settings together: defaults < panini.toml < environment < flags."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panini_daemon.config.defaults import default_root, resolve
from panini_daemon.config.errors import ConfigError, Problem
from panini_daemon.config.listing import HIDDEN, write_value
from panini_daemon.config.machine import Machine, read_machine
from panini_daemon.config.object_url import ObjectUrl
from panini_daemon.config.relations import check_relations
from panini_daemon.config.settings import Loaded
from panini_daemon.config.sources import TOKEN, Source, find_file, read_environment, read_file, read_flags
from panini_daemon.config.values import check_root

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails
    from pydantic_settings import PydanticBaseSettingsSource

    from panini_daemon.config.fields import Fields


def load(
    flags: Mapping[str, object],
    *,
    environ: Mapping[str, str],
    cwd: Path,
    machine: Machine | None = None,
) -> Loaded:
    """Load the settings; nothing is created or written.

    `flags` maps setting names, and `config`, to values; None stands for a flag that was not given. A relative
    path is relative to `cwd`, in a panini.toml to that file's folder. `machine` is this one where None.

    Raises ConfigError listing every wrong setting.
    """
    from panini_daemon.config.fields import Fields  # noqa: PLC0415  imports pydantic-settings, which is slow

    known = Fields.model_fields.keys()
    machine = machine or read_machine()
    given = [read_flags(flags, known), read_environment(environ, known)]
    root = next((source.values["root"] for source in given if "root" in source.values), None)
    root_now = _folder_of(root, cwd) if root else default_root(machine, cwd)
    path, named_by = find_file(flags, environ, cwd, root_now)
    if path is not None:
        given.append(read_file(path, named_by, root_now, known))

    origin = dict.fromkeys(known, "default")
    for source in reversed(given):
        origin |= source.origins
    problems = [problem for source in given for problem in source.problems]
    fields, wrong = _validate(Fields, given, origin)
    bases = {name: path.parent for name, place in origin.items() if path is not None and place == str(path)}
    settings = resolve(fields, machine, cwd, bases)
    problems += wrong
    problems += check_relations(settings, origin, unless={problem.name for problem in wrong})
    if problems:
        raise ConfigError(problems)
    return Loaded(settings, origin, path)


def _folder_of(root: object, cwd: Path) -> Path | None:
    """Return the folder that may hold a panini.toml; an object store is not asked for one."""
    try:
        place = check_root(root)
    except ValueError:  # told when all settings are checked
        return None
    return None if isinstance(place, ObjectUrl) else cwd / Path(str(place)).expanduser()


def _validate(
    model: "type[Fields]", sources: Sequence[Source], origin: Mapping[str, str]
) -> tuple["Fields", list[Problem]]:
    """Let pydantic-settings merge and check. Wrong values are left out, so that the rest is checked too."""
    from pydantic import ValidationError  # noqa: PLC0415
    from pydantic_settings import InitSettingsSource  # noqa: PLC0415

    left_out: set[str] = set()

    class Merged(model):  # type: ignore[valid-type, misc]  # the sources differ from call to call
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: "type[Fields]", **_: Any
        ) -> tuple["PydanticBaseSettingsSource", ...]:
            return tuple(
                InitSettingsSource(
                    settings_cls,
                    {name: value for name, value in source.values.items() if name not in left_out},
                )
                for source in sources
            )

    try:
        return Merged(), []
    except ValidationError as error:
        problems = [_describe(details, origin) for details in error.errors()]
    left_out = {problem.name for problem in problems}
    return Merged(), problems


def _describe(details: "ErrorDetails", origin: Mapping[str, str]) -> Problem:
    name = str(details["loc"][0])
    shown = HIDDEN if name == TOKEN else _show(details["input"])
    return Problem(name, shown, origin[name], _expect(name, details))


def _expect(name: str, details: "ErrorDetails") -> str:
    """Say what was expected, limits written as the setting itself is."""
    context = details.get("ctx", {})
    if "error" in context:
        return str(context["error"])
    for key, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most")):
        if key in context:
            return f"expected {words} {write_value(name, context[key])}"
    return details["msg"].replace("Input should be ", "expected ")


def _show(value: object) -> str:
    try:
        return _shorten(repr(value))
    except ValueError:
        # TOML has hexadecimal numbers that are too long for Python to write in decimal.
        return "a number with thousands of digits"


def _shorten(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
