import base64
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from panini_daemon.storage.github.errors import GithubError, GithubMissing, GithubRefused
from panini_daemon.storage.github.lfs import (
    POINTER_LIMIT,
    Pointer,
    batch_login,
    batch_request,
    parse_pointer,
    read_batch,
)
from panini_daemon.storage.github.transport import Broken

OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
POINTER = Pointer(OID, 12345)
SPECIFICATION = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n".encode()
"""The example of the specification."""

oids = st.text("0123456789abcdef", min_size=64, max_size=64)
sizes = st.integers(0, 10**18 - 1)
versions = st.sampled_from(("https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1"))


def write(version: str, oid: str, size: int | str) -> bytes:
    return f"version {version}\noid sha256:{oid}\nsize {size}\n".encode()


def test_the_specifications_example_is_a_pointer() -> None:
    assert parse_pointer(SPECIFICATION) == POINTER


@given(versions, oids, sizes)
def test_whatever_git_lfs_writes_is_read(version: str, oid: str, size: int) -> None:
    assert parse_pointer(write(version, oid, size)) == Pointer(oid, size)


@given(st.binary(max_size=2000) | st.text().map(str.encode))
@example(b"version ")
@example(b"version https://git-lfs.github.com/spec/v1\n")
def test_any_bytes_are_a_pointer_or_none(data: bytes) -> None:
    found = parse_pointer(data)
    assert found is None or (re.fullmatch("[0-9a-f]{64}", found.oid) and len(data) < POINTER_LIMIT)


@given(st.integers(0, len(SPECIFICATION) - 1), st.binary(max_size=2))
def test_a_changed_pointer_is_none_or_says_what_it_says(at: int, new: bytes) -> None:
    data = SPECIFICATION[:at] + new + SPECIFICATION[at + 1 :]
    found = parse_pointer(data)
    if found is not None:
        version = data.split()[1].decode()
        assert data == write(version, found.oid, found.size)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SPECIFICATION[:-1],
        SPECIFICATION + b"\n",
        SPECIFICATION + b"z 1\n",
        SPECIFICATION.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + SPECIFICATION,
        write("https://git-lfs.github.com/spec/v2", OID, 5),
        write("https://git-lfs.github.com/spec/v1", OID.upper(), 5),
        write("https://git-lfs.github.com/spec/v1", OID[1:], 5),
        write("https://git-lfs.github.com/spec/v1", OID, -5),
        write("https://git-lfs.github.com/spec/v1", OID, "05"),
        write("https://git-lfs.github.com/spec/v1", OID, "5_000"),
        write("https://git-lfs.github.com/spec/v1", OID, "9" * 30),
        write("https://git-lfs.github.com/spec/v1", OID, "\u0665"),
        SPECIFICATION.replace(b"sha256:", b"sha512:"),
        SPECIFICATION.replace(b"oid ", b"oid  "),
        SPECIFICATION + b"size 12345\n",
        b"\n".join([*sorted(SPECIFICATION.splitlines()), b""]),
        SPECIFICATION.replace(b"oid", b"oid\0"),
        b"version https://git-lfs.github.com/spec/v1\nsize 5\noid sha256:" + OID.encode() + b"\n",
    ],
)
def test_what_the_specification_rules_out_is_no_pointer(data: bytes) -> None:
    assert parse_pointer(data) is None


def test_a_pointer_of_1024_bytes_is_a_file() -> None:
    filler = f"ext-0-x sha256:{'0' * 64}"
    for size, meant in ((1023, True), (1024, False)):
        data = SPECIFICATION.replace(b"oid", filler.encode() + b"\noid", 1)
        data = data.replace(filler.encode(), filler.encode() + b"0" * (size - len(data)))
        assert len(data) == size
        assert (parse_pointer(data) is not None) is meant


def test_a_pointer_with_extensions_says_so() -> None:
    extended = SPECIFICATION.replace(b"oid", b"ext-0-foo sha256:" + b"0" * 64 + b"\noid", 1)
    assert parse_pointer(extended) == Pointer(OID, 12345, extended=True)


def test_the_batch_request_is_as_its_documentation_has_it() -> None:
    assert json.loads(batch_request(POINTER)) == {
        "operation": "download",
        "transfers": ["basic"],
        "objects": [{"oid": OID, "size": 12345}],
        "hash_algo": "sha256",
    }


def test_the_batch_login_is_basic() -> None:
    login = batch_login("secret")["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(login) == b"x-access-token:secret"
    assert batch_login(None) == {}


def answer(**fields: object) -> bytes:
    return json.dumps({"transfer": "basic", "objects": [{"oid": OID, "size": 12345, **fields}]}).encode()


def link(href: object = "https://store.example/o?sig=1", **action: object) -> dict[str, object]:
    return {"download": {"href": href, **action}}


def test_a_batch_answer_gives_a_link_with_its_headers() -> None:
    found = read_batch(answer(actions=link(header={"X-Key": "a b"})), POINTER, https=True)
    assert (found.url, found.secret) == ("https://store.example/o?sig=1", {"X-Key": "a b"})
    assert read_batch(answer(actions=link(header=None)), POINTER, https=True).secret == {}


@pytest.mark.parametrize(
    ("code", "meaning", "text"),
    [
        (404, GithubMissing, "push it with `git lfs push`"),
        (410, GithubMissing, "410"),
        (422, GithubRefused, "422"),
        (403, GithubRefused, "403"),
        (503, Broken, "503"),
        (429, Broken, "429"),
    ],
)
def test_an_error_of_an_object_has_a_type_and_says_what_to_do(code: int, meaning: type, text: str) -> None:
    with pytest.raises(meaning, match=text):
        read_batch(answer(error={"code": code, "message": "https://store.example/?sig=1"}), POINTER, https=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"objects": []}',
        b'{"objects": [3]}',
        b"[" * 99999,
        answer(),
        answer(actions={}),
        answer(actions=link(None)),
        answer(actions=link("/relative?sig=1")),
        answer(actions=link("ftp://store.example/?sig=1")),
        answer(actions=link("http://[?sig=1")),
        answer(actions=link("https://store.example:99999/?sig=1")),
        answer(actions=link(header=["sig=1"])),
        answer(actions=link(header={"X": "sig=1\r\nY: 2"})),
        answer(actions=link(header={"X\n": "sig=1"})),
        answer(actions=link(header={"X": 1})),
        answer(actions=link(header={"X": "\u20ac"})),
        answer(error={}),
        answer(error=None),
        answer(oid="0" * 64, actions=link()),
    ],
)
def test_a_batch_answer_without_a_usable_link_is_refused(data: bytes) -> None:
    with pytest.raises(GithubRefused, match="has no link") as caught:
        read_batch(data, POINTER, https=True)
    assert "sig" not in str(caught.value)


def test_a_link_that_leaves_https_is_refused() -> None:
    data = answer(actions=link("http://store.example/?sig=1"))
    assert read_batch(data, POINTER, https=False).url.startswith("http:")
    with pytest.raises(GithubRefused, match="plain HTTP") as caught:
        read_batch(data, POINTER, https=True)
    assert "sig" not in str(caught.value)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=9) | st.sampled_from((OID, "https://a/b", 404)),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(("objects", "oid", "actions", "download", "href", "header", "error", "code")), inner
            )
        ),
    )
)
def test_any_json_is_a_link_or_a_typed_error(value: object) -> None:
    try:
        read_batch(json.dumps({"objects": [value]}).encode(), POINTER, https=True)
        read_batch(json.dumps(value).encode(), POINTER, https=True)
    except (GithubError, Broken):
        pass
