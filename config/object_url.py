"""A root that is no folder but a place in an object store."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

_URL = re.compile(r"(?P<scheme>s3|gs|az|memory)://(?P<place>[A-Za-z0-9._/~!'()+=,-]*)")
_LEAST = {"s3": 1, "gs": 1, "az": 2, "memory": 0}
"""How many names must follow the scheme: the bucket, or Azure's account and container."""

EXPECTED = (
    "expected the path of a folder, or s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://ACCOUNT/CONTAINER/PREFIX "
    "(letters, digits and ._~!'()+=,- ; credentials come from the environment)"
)


@dataclass(frozen=True, slots=True)
class ObjectUrl:
    """Bucket and prefix in an object store, such as `s3://archive/PaniniFS`, without a slash at the end."""

    url: str

    def __str__(self) -> str:
        """Return the URL."""
        return self.url


def parse_object_url(text: str) -> ObjectUrl | Path:
    """Read a URL; `file://` stands for the folder itself. Raises ValueError."""
    if text.startswith("file:///"):
        return Path(unquote(text.removeprefix("file://")))
    found = _URL.fullmatch(text)
    names = found["place"].rstrip("/").split("/") if found else []
    if found is None or any(name in (".", "..") or (not name and len(names) > 1) for name in names):
        raise ValueError(EXPECTED)
    names = [name for name in names if name]
    if len(names) < _LEAST[found["scheme"]]:
        raise ValueError(EXPECTED)
    return ObjectUrl(f"{found['scheme']}://{'/'.join(names)}")
