import dataclasses
from pathlib import Path

import pytest

from panini_daemon.config import ConfigError, ObjectUrl, Settings, describe, load
from panini_daemon.config.defaults import LOCAL, OBJECTS


def settings(**flags: object) -> Settings:
    return load(flags, environ={}, cwd=Path("/")).settings


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://archive/PaniniFS", "s3://archive/PaniniFS"),
        ("s3://archive/", "s3://archive"),
        ("gs://archive/a/b/", "gs://archive/a/b"),
        ("az://account/container/a", "az://account/container/a"),
        ("memory://", "memory://"),
        ("memory:///", "memory://"),
    ],
)
def test_a_place_in_an_object_store_is_taken_as_it_is(text: str, url: str) -> None:
    found = settings(root=text).root
    assert found == ObjectUrl(url)
    assert str(found) == url


def test_a_file_url_is_the_folder(tmp_path: Path) -> None:
    assert settings(root=(tmp_path / "a b").as_uri()).root == (tmp_path / "a b").resolve()


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3:///prefix",
        "az://account",
        "ftp://host/x",
        "s3://key:secret@bucket/x",
        "s3://bucket/a//b",
        "s3://bucket/../x",
        "s3://bucket/./x",
        "s3://bucket/x?versionId=1",
        "s3://bucket/x#y",
        "s3://bucket/a b",
        "S3://bucket/x",
        "https://bucket.s3.amazonaws.com/x",
        "file://host/x",
    ],
)
def test_what_is_no_place_in_an_object_store_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ConfigError, match="s3://BUCKET/PREFIX"):
        settings(root=text)


def test_the_waits_on_an_object_store_suit_requests_that_cost_and_a_store_that_is_coherent() -> None:
    found = settings(root="s3://b/c")
    assert found.shared
    for field in dataclasses.fields(OBJECTS):
        assert getattr(found, field.name) == getattr(OBJECTS, field.name), field.name
    alone = settings(root="s3://b/c", shared="false")
    assert alone.poll_max == LOCAL.poll_max
    assert alone.log_max_bytes == OBJECTS.log_max_bytes, "every addition writes the whole file all the same"


def test_a_url_from_a_file_or_the_environment_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "panini.toml").write_text('root = "s3://b/c"\n')
    assert load({}, environ={}, cwd=tmp_path).settings.root == ObjectUrl("s3://b/c")
    loaded = load({}, environ={"PANINI_ROOT": "gs://d"}, cwd=tmp_path)
    assert loaded.settings.root == ObjectUrl("gs://d")
    assert next(row.value for row in describe(loaded) if row.name == "root") == "gs://d"


def test_a_panini_toml_in_a_file_urls_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "panini.toml").write_text('level = "fast"\n')
    assert load({"root": tmp_path.as_uri()}, environ={}, cwd=Path("/")).settings.level == "fast"
