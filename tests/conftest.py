from collections.abc import Iterator

import pytest
from fakes.s3_server import S3Server, conditional_server
from hypothesis import settings

# The same examples at every run: what fails here fails everywhere. Fuzzing at length is a matter of its own.
settings.register_profile("deterministic", derandomize=True, database=None, deadline=None)
settings.load_profile("deterministic")


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """One S3 server for all tests; each uses a prefix of its own."""
    with conditional_server() as server:
        yield server
