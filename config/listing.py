"""List the settings for a person: what each is, where it came from and what it means."""

from dataclasses import dataclass

from panini_daemon.config.settings import SIZES, Loaded
from panini_daemon.config.values import format_duration, format_size

HIDDEN = "********"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting, as text: the value as panini.toml takes it, without quotes, and a secret hidden."""

    name: str
    value: str
    origin: str
    description: str


def describe(loaded: Loaded) -> list[Row]:
    """List every setting in the order of `Settings`."""
    from panini_daemon.config.fields import Fields  # noqa: PLC0415  imports pydantic-settings, which is slow

    return [
        Row(
            name,
            write_value(name, getattr(loaded.settings, name)),
            loaded.origin[name],
            field.description or "",
        )
        for name, field in Fields.model_fields.items()
    ]


def write_value(name: str, value: object) -> str:
    """Write a setting's value as panini.toml takes it, without quotes; a secret as asterisks."""
    if value is None:
        return ""
    if name == "github_token":
        return HIDDEN
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return format_duration(value)
    if isinstance(value, int) and name in SIZES:
        return format_size(value)
    return str(value)
