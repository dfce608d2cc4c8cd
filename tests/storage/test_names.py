import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.storage.errors import NameCollision, UnsafeName
from panini_daemon.storage.names import check_collision, safe_base, safe_name, safe_path, split_path

OUTSIDE = [
    "",
    ".",
    "..",
    "a/../b",
    "../a",
    "a/..",
    "/a",
    "//host/a",
    "a//b",
    "a/",
    "./a",
    "a/./b",
    "C:",
    "C:/a",
    "c:a",
    "a/D:b",
    "a\\b",
    "..\\a",
    "a\0b",
    "a\nb",
    "a\x1bb",
    "a\x7fb",
    "a\x85b",
    "a\udc80b",
    "\u2025",
    "a/\uff0e\uff0e/b",
    "x" * 256,
    "é" * 128,
    "/".join(["x" * 200] * 6),
]


@pytest.mark.parametrize("check", [safe_name, safe_path, safe_base])
@pytest.mark.parametrize("text", OUTSIDE)
def test_names_that_leave_the_tree_or_cannot_be_stored_are_refused(check: Callable[[str], str], text: str) -> None:
    with pytest.raises(UnsafeName):
        check(text)


@pytest.mark.parametrize(
    "text",
    [
        "a/chunk_0000",
        "chunk_7/x",
        "CHUNK_0001",
        "chunk_\uff11",
        "manifest.json",
        "a/Recipe.JSON",
        "a/recipe (1).json",
        "compressed.bin/x",
        "chunk_0000 (2)",
        ".panini-root.json",
        ".PANINI",
        "a/x.tmp",
        "x.TMP",
        "a./b",
        "a /b",
        "a/b.",
        "a/b ",
    ],
)
def test_a_base_never_reads_as_one_of_the_trees_own_names(text: str) -> None:
    with pytest.raises(UnsafeName):
        safe_base(text)


@pytest.mark.parametrize(
    "text",
    [
        "photo.png",
        "a/b/c",
        "texte français/œuvre",
        "महाभारत",
        "日本語/本",
        "chunk_a",
        "a (1)",
        "x" * 255,
        "..a",
        "a..b",
        ".git",
    ],
)
def test_ordinary_bases_pass_unchanged(text: str) -> None:
    assert safe_base(text) == text
    assert safe_path(text) == text


def test_a_path_may_use_the_trees_own_names() -> None:
    assert safe_path("pending_compression/a/chunk_0000/data.bin") == "pending_compression/a/chunk_0000/data.bin"


def test_a_name_has_no_folders() -> None:
    with pytest.raises(UnsafeName, match="without folders"):
        safe_name("a/b")


def test_a_refusal_says_what_was_found_what_was_expected_and_what_to_do() -> None:
    with pytest.raises(UnsafeName) as refusal:
        safe_base("a\\b")
    message = str(refusal.value)
    assert "backslash" in message
    assert "expected '/'" in message
    assert "rename" in message


def test_a_refusal_of_an_overlong_name_stays_short() -> None:
    with pytest.raises(UnsafeName) as refusal:
        safe_path("\u4e00" * 5000)
    assert len(str(refusal.value)) < 1000


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=()), max_size=30))
def test_what_passes_stays_below_the_root_and_can_be_written(text: str) -> None:
    try:
        passed = safe_base(text)
    except UnsafeName:
        return
    assert passed == text
    assert passed.encode().decode() == text
    assert all(part not in ("", ".", "..") for part in passed.split("/"))
    assert split_path(passed) == passed.split("/")


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Photo.png", "photo.png"),
        ("ÉTÉ", "été"),
        (unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")),
        (unicodedata.normalize("NFD", "É"), "é"),
        ("Straße", "STRASSE"),
    ],
)
def test_names_that_differ_only_by_case_or_form_collide(name: str, other: str) -> None:
    with pytest.raises(NameCollision):
        check_collision(name, ["x", other])
    with pytest.raises(NameCollision):
        check_collision(other, [name])


@pytest.mark.parametrize(("name", "other"), [("a", "a"), ("a", "b"), ("x²", "x2"), ("e", "é"), ("a", "a/b")])
def test_same_or_different_names_do_not_collide(name: str, other: str) -> None:
    check_collision(name, [other])


def test_a_store_path_of_the_root_has_no_segments() -> None:
    assert split_path("") == []


@pytest.mark.parametrize("path", ["/a", "a/", "a//b", "..", "a/../b", ".", "a\0"])
def test_a_store_path_never_leaves_its_root(path: str) -> None:
    with pytest.raises(UnsafeName):
        split_path(path)
