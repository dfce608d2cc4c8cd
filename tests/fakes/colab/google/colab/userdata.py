"""Secrets that FAKE_SECRETS holds as JSON; null stands for one that this notebook may not read."""

import json
import os


class SecretNotFoundError(Exception):
    """There is no such secret."""


class NotebookAccessError(Exception):
    """The notebook may not read it."""


def get(name: str) -> str:
    """Return a secret."""
    secrets = json.loads(os.environ.get("FAKE_SECRETS", "{}"))
    if name not in secrets:
        raise SecretNotFoundError(name)
    if secrets[name] is None:
        raise NotebookAccessError(name)
    return str(secrets[name])
