"""Names from outside: what may become a name in the tree, and what is refused."""

import re
import unicodedata
from collections.abc import Iterable

from panini_daemon.storage.errors import NameCollision, UnsafeName

MAX_SEGMENT_BYTES = 255
MAX_PATH_BYTES = 1024

OWN_PREFIX = ".panini"
"""How the tree's own hidden files begin: the root's marker and unfinished writes."""
TEMPORARY_PREFIX = ".panini-new-"
TEMPORARY_SUFFIX = ".tmp"
"""A file being written is `.panini-new-<anything>.tmp` in its folder, then gets its name."""

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_COPY = re.compile(r" ?\(\d+\)(?=(\.[^.]*)?$)")
_TREE = re.compile(r"chunk_[0-9]+|manifest\.json|recipe\.json|compressed\.bin|run_[0-9a-f]{64}\.bin")


def safe_name(text: str) -> str:
    """Return `text` if it can be the name of one file or folder of the tree. Raises UnsafeName."""
    if "/" in text:
        raise _unsafe(text, "it contains '/'", "one name without folders")
    safe_path(text)
    _refuse_trailing(text, text)
    return text


def safe_path(text: str) -> str:
    """Return `text` if it is a relative path, split by `/`, that stays in its tree. Raises UnsafeName."""
    if found := _SURROGATE.search(text):
        raise _unsafe(text, f"the lone surrogate U+{ord(found[0]):04X}", "text that UTF-8 can encode")
    if found := _CONTROL.search(text):
        raise _unsafe(text, f"the control character U+{ord(found[0]):04X}", "printable characters")
    if "\\" in text:
        raise _unsafe(text, "a backslash", "'/' between folders")
    if text.startswith("/"):
        raise _unsafe(text, "an absolute path", "a path relative to the tree")
    size = len(text.encode())
    if size > MAX_PATH_BYTES:
        raise _unsafe(text, f"{size} bytes", f"at most {MAX_PATH_BYTES} bytes of UTF-8")
    for segment in text.split("/"):
        _refuse_segment(text, segment)
    return text


def safe_base(text: str) -> str:
    """Return `text` if it can be a base: one or more folders under compressed_chunks/. Raises UnsafeName.

    Beside what `safe_path` refuses, no segment may read as one of the tree's own names (chunk_0000,
    manifest.json, ...) nor end in a dot or space, which some systems drop.
    """
    for segment in safe_path(text).split("/"):
        _refuse_trailing(text, segment)
        # Compared as a system would that ignores case and form; a shared folder's "(1)" copies count as well.
        folded = _COPY.sub("", unicodedata.normalize("NFKC", segment).casefold())
        own = folded.startswith(OWN_PREFIX) or folded.endswith(TEMPORARY_SUFFIX)
        if own or _TREE.fullmatch(folded):
            raise _unsafe(text, f"the segment {segment!r}, a name that the tree itself uses", "another name")
    return text


def plain_name(name: str) -> str:
    """Return what a file or folder is called that a shared folder shows as `name (1)`; else the name itself."""
    while (plain := _COPY.sub("", name)) not in ("", name):
        name = plain
    return name


def plain_path(path: str) -> str:
    """Return a path with the plain name of each of its segments."""
    return "/".join(plain_name(segment) for segment in path.split("/"))


def is_unfinished(name: str) -> bool:
    """Tell whether a file of this name is one that is being written, or was when its writer died."""
    return name.startswith(TEMPORARY_PREFIX) and name.endswith(TEMPORARY_SUFFIX)


def split_path(path: str) -> list[str]:
    """Split a store path into segments; "" is the root and has none. Raises UnsafeName where it leaves it.

    The cheap last check that every store makes on every path, wherever it came from.
    """
    if not path:
        return []
    segments = path.split("/")
    if "" in segments or "." in segments or ".." in segments or "\0" in path:
        raise _unsafe(path, "an absolute path, an empty, '.' or '..' segment, or NUL", "a path inside the tree")
    return segments


class Names:
    """The names of one folder, to which others are compared without going through all of them."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Begin with these."""
        self._names: set[str] = set()
        self._folded: dict[str, str] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Add a name, whatever others there are."""
        self._names.add(name)
        self._folded.setdefault(_fold(name), name)

    def check(self, name: str) -> None:
        """Raise NameCollision as `check_collision` does."""
        if name not in self._names and (other := self._folded.get(_fold(name))) is not None:
            check_collision(name, [other])


def check_collision(name: str, existing: Iterable[str]) -> None:
    """Raise NameCollision where `name` differs from an existing one only by letter case or Unicode form.

    The same name is no collision. Names are compared as file systems do that ignore case: canonical
    equivalence (NFC) and full case folding; compatibility forms such as `x²` and `x2` stay apart.
    """
    folded = _fold(name)
    for other in existing:
        if other != name and _fold(other) == folded:
            raise NameCollision(
                f"{name!a} and {other!a}, already in the tree, differ only by letter case or Unicode form; "
                "on some systems they are one file, so rename one of them and submit it again"
            )


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _refuse_segment(text: str, segment: str) -> None:
    # The compatibility form of some characters is dots: a system that normalises names would see them.
    if unicodedata.normalize("NFKC", segment) in ("", ".", ".."):
        raise _unsafe(text, f"the segment {segment!r}", "segments that are neither empty nor '.' nor '..'")
    if _DRIVE.match(segment):
        raise _unsafe(text, f"the drive letter {segment[:2]!r}", "a path without a drive")
    size = len(segment.encode())
    if size > MAX_SEGMENT_BYTES:
        raise _unsafe(text, f"a segment of {size} bytes", f"at most {MAX_SEGMENT_BYTES} bytes of UTF-8 a segment")


def _refuse_trailing(text: str, segment: str) -> None:
    if segment.endswith((".", " ")):
        raise _unsafe(text, f"the segment {segment!r} ends in a dot or space", "an ending that every system keeps")


def _unsafe(text: str, found: str, expected: str) -> UnsafeName:
    shown = ascii(text if len(text) <= 80 else text[:80] + "...")
    return UnsafeName(
        f"the name {shown} cannot be used: found {found}; expected {expected}; rename it and submit it again"
    )
