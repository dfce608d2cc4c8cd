from pathlib import Path

import pytest

from panini_daemon.config import ConfigError, Loaded, load


def load_in(folder: Path, **environ: str) -> Loaded:
    return load({}, environ=environ, cwd=folder)


def test_without_a_repository_github_is_not_used(tmp_path: Path) -> None:
    settings = load_in(tmp_path).settings
    assert (settings.github_repo, settings.github_ref, settings.github_path) == ("", "", "pending_compression")
    assert (settings.github_url, settings.github_leases, settings.github_report) == (
        "https://api.github.com",
        "drive",
        "batch",
    )


@pytest.mark.parametrize("name", ["GITHUB_REPO", "PANINI_GITHUB_REPO"])
def test_the_repository_comes_from_either_variable(tmp_path: Path, name: str) -> None:
    loaded = load_in(tmp_path, **{name: "someone/archive.d"})
    assert loaded.settings.github_repo == "someone/archive.d"
    assert loaded.origin["github_repo"] == name


def test_the_prefixed_variable_wins(tmp_path: Path) -> None:
    loaded = load_in(tmp_path, GITHUB_REPO="a/b", PANINI_GITHUB_REPO="c/d")
    assert loaded.settings.github_repo == "c/d"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PANINI_GITHUB_REPO", "archive"),
        ("PANINI_GITHUB_REPO", "https://github.com/someone/archive"),
        ("PANINI_GITHUB_REPO", "someone/.."),
        ("PANINI_GITHUB_REPO", "some one/archive"),
        ("PANINI_GITHUB_REF", "a..b"),
        ("PANINI_GITHUB_REF", "-x"),
        ("PANINI_GITHUB_REF", "a b"),
        ("PANINI_GITHUB_PATH", "../secrets"),
        ("PANINI_GITHUB_PATH", "a//b"),
        ("PANINI_GITHUB_URL", "ftp://host"),
        ("PANINI_GITHUB_URL", "https://user:pass@host/api/v3"),
        ("PANINI_GITHUB_URL", "https://host/api?x=1"),
        ("PANINI_GITHUB_LEASES", "both"),
        ("PANINI_GITHUB_LEASE_STALE", "5s"),
        ("PANINI_GITHUB_REPORT", "sometimes"),
        ("PANINI_GITHUB_COMMIT_STATUS", "auto"),
    ],
)
def test_a_wrong_value_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name.removeprefix("PANINI_").lower()):
        load_in(tmp_path, **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("github_url", "https://host.example/api/v3/", "https://host.example/api/v3"),
        ("github_path", "/data/chunks/", "data/chunks"),
        ("github_path", "/", ""),
        ("github_ref", "feature/ä", "feature/ä"),
        ("github_poll", "0", 0.0),
        ("github_metadata", "yes", True),
    ],
)
def test_a_value_is_read_in_its_plain_form(tmp_path: Path, name: str, value: str, expected: object) -> None:
    settings = load_in(tmp_path, **{f"PANINI_{name.upper()}": value}).settings
    assert getattr(settings, name) == expected


def test_leases_in_the_repository_need_a_token(tmp_path: Path) -> None:
    environ = {"GITHUB_REPO": "a/b", "PANINI_GITHUB_LEASES": "github"}
    with pytest.raises(ConfigError, match="github_token"):
        load_in(tmp_path, **environ)
    assert load_in(tmp_path, GITHUB_TOKEN="t0ken", **environ).settings.github_leases == "github"
