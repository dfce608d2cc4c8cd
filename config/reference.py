"""The settings as a page for docs/settings.md, made from the fields themselves."""

from panini_daemon.config.listing import write_value

_HEAD = """# Settings

Made from the code by `panini-daemon config --reference`; a test compares the two.

A flag (`--lease-settle` is none: only what `run --help` lists has one) wins over the environment, that over
`panini.toml` (the file named by `--config` or `PANINI_CONFIG`, else the one in the current folder, else the one in the
root), that over the default. In the environment a name is in capitals with `PANINI_` in front. Durations are written
`90s`, `5m`, `2h`, `1d`; sizes `64MiB`, `2GB` or plain bytes. `panini-daemon config` shows every setting with its value
and where it came from; secrets are hidden.

| setting | default | meaning |
|---|---|---|
"""


def render_reference() -> str:
    """Return the page, in Markdown."""
    from panini_daemon.config.fields import Fields  # noqa: PLC0415  imports pydantic-settings, which is slow

    rows = []
    for name, field in Fields.model_fields.items():
        default = "" if field.default is None else f"`{write_value(name, field.default)}`"
        if default == "``":
            default = ""
        meaning = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{name}` | {default} | {meaning} |")
    return _HEAD + "\n".join(rows) + "\n"
