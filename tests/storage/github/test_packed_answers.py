"""Answers that are packed: as large as allowed once they are unpacked, and no more in memory than that."""

import gzip
import io
import zlib
from collections.abc import Callable

import brotli
import pytest
from fakes.clock import FakeClock
from fuzz.judging import peak_of
from requests import Response
from urllib3 import HTTPResponse

from panini_daemon.storage.github.errors import GithubRefused
from panini_daemon.storage.github.transport import Pace, read_whole

MIB, LIMIT = 1 << 20, 8 << 20


def packed(data: bytes, encoding: str) -> Response:
    answer = Response()
    answer.url = "https://api.github.com/x"
    answer.raw = HTTPResponse(
        io.BytesIO(data), headers={"content-encoding": encoding}, status=200, preload_content=False
    )
    return answer


def gzip_bomb() -> bytes:
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(pack.compress(bytes(MIB)) for _ in range(256)) + pack.flush()


def brotli_bomb() -> bytes:
    pack = brotli.Compressor(quality=1)
    return b"".join(pack.process(bytes(MIB)) for _ in range(256)) + pack.finish()


def twice() -> bytes:
    return gzip.compress(gzip_bomb())


@pytest.mark.slow
@pytest.mark.parametrize(("make", "encoding"), [(gzip_bomb, "gzip"), (brotli_bomb, "br"), (twice, "gzip, gzip")])
def test_an_answer_that_unpacks_to_far_more_than_allowed_is_left(make: Callable[[], bytes], encoding: str) -> None:
    data = make()

    def read() -> None:
        with pytest.raises(GithubRefused, match=f"over {LIMIT} bytes"):
            read_whole(packed(data, encoding), Pace(FakeClock()), LIMIT)

    assert len(data) < MIB
    assert peak_of(read) < 4 * LIMIT


def test_an_answer_that_fits_comes_whole() -> None:
    data = bytes(range(256)) * 1000
    assert read_whole(packed(gzip.compress(data), "gzip"), Pace(FakeClock()), len(data)) == data
