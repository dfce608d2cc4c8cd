"""References of a bare repository, as files: what a real git beside this server sees and changes too."""

import os
import re
from pathlib import Path

BAD_NAME = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|[/.]$")
"""What git-check-ref-format refuses inside a name."""


def is_valid(name: str) -> bool:
    """Return whether git takes `name` for a full reference name."""
    return name.startswith("refs/") and name.count("/") >= 2 and not BAD_NAME.search(name)


class Refs:
    """Full reference names to object names; the caller keeps writers apart."""

    def __init__(self, repository: Path) -> None:
        self._folder = repository
        self._packed_file = repository / "packed-refs"

    def get(self, name: str) -> str | None:
        """Return where a reference points, None where it does not exist."""
        try:
            return (self._folder / name).read_text("ascii").strip()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return self._packed().get(name)

    def all(self) -> dict[str, str]:
        """Return every reference, sorted by name."""
        found = self._packed()
        for folder, _, names in os.walk(self._folder / "refs"):
            for name in names:
                path = Path(folder, name)
                if path.suffix != ".lock":
                    found[path.relative_to(self._folder).as_posix()] = path.read_text("ascii").strip()
        return dict(sorted(found.items()))

    def set(self, name: str, sha: str) -> None:
        """Create or move a reference; OSError where one stands in the way as a folder or file."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".lock")
        temporary.write_text(sha + "\n", "ascii")
        temporary.replace(path)

    def delete(self, name: str) -> None:
        """Remove a reference and the folders that it leaves empty."""
        packed = self._packed()
        if packed.pop(name, None) is not None:
            self._packed_file.write_text("".join(f"{sha} {ref}\n" for ref, sha in sorted(packed.items())), "utf-8")
        path = self._folder / name
        path.unlink(missing_ok=True)
        for folder in path.relative_to(self._folder).parents:
            if len(folder.parts) <= 2 or not (self._folder / folder).is_dir() or any((self._folder / folder).iterdir()):
                break
            (self._folder / folder).rmdir()

    def _packed(self) -> dict[str, str]:
        try:
            text = self._packed_file.read_text("utf-8")
        except FileNotFoundError:
            return {}
        rows = (line.split(" ", 1) for line in text.splitlines() if line and line[0] not in "#^")
        return {name: sha for sha, name in rows}
