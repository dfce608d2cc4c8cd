"""What can go wrong between this program and GitHub."""

from panini_daemon.storage.errors import StorageError


class GithubError(StorageError):
    """GitHub did not do what was asked."""


class GithubUnavailable(GithubError):
    """GitHub cannot be asked now: a rate limit, no connection, a server error, a refused token.

    `retry_in` is how many seconds to wait before it makes sense to ask again. Nothing was lost.
    """

    def __init__(self, message: str, retry_in: float) -> None:
        """Say why, and for how many seconds."""
        super().__init__(message)
        self.retry_in = retry_in


class GithubDenied(GithubError):
    """The token may not do this, or does not see the repository. Give it the permission that the message names."""


class GithubMissing(GithubError):
    """GitHub has no such object, reference or path."""


class GithubConflict(GithubError):
    """Somebody else changed it first: look again and decide anew."""


class GithubRefused(GithubError):
    """GitHub does not accept what was sent, or answers what cannot be understood."""
