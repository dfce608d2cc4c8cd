"""Which repository: its name, and where its API and its git server are."""

from dataclasses import dataclass
from urllib.parse import urlsplit

PUBLIC_URL = "https://api.github.com"


@dataclass(frozen=True, slots=True)
class Repository:
    """Which repository, and the base URL of the API that has it (GitHub Enterprise: `https://HOST/api/v3`)."""

    owner: str
    name: str
    url: str = PUBLIC_URL

    @property
    def full_name(self) -> str:
        """Return `owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def path(self) -> str:
        """Return the path of the repository below the base URL."""
        return f"/repos/{self.owner}/{self.name}"

    @property
    def git_url(self) -> str:
        """Return where git and Git LFS find the repository: `https://github.com/owner/name.git`."""
        parts = urlsplit(self.url)
        host = parts.netloc.removeprefix("api.")
        return f"{parts.scheme}://{host}{parts.path.rstrip('/').removesuffix('/api/v3')}/{self.full_name}.git"
