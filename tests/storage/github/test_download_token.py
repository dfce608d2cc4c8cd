"""Where the token goes when something is downloaded, and where it is never seen."""

import logging
import traceback
from pathlib import Path

import pytest
from fakes.download_scene import BLOB, BLOBS, DATA, LINKS, OBJECTS, POINTER, WHOLE, Scene, scene
from fakes.github.faults import Action, CloseBeforeAnswer, CutBody, Redirect, Status, WrongBody
from fakes.github.server import FakeGithub

from panini_daemon.storage.github.errors import GithubError, GithubMissing, GithubRefused

__all__ = ["scene"]


def test_the_token_goes_to_github_alone(scene: Scene) -> None:
    scene.lfs()
    batch, object_ = scene.hub.requests
    assert batch.headers["Authorization"].startswith("Basic ")
    assert batch.headers["Accept"] == batch.headers["Content-Type"] == "application/vnd.git-lfs+json"
    assert object_.headers["Host"].startswith("localhost:")
    assert "Authorization" not in object_.headers


def test_a_redirected_blob_comes_without_the_token(scene: Scene, tmp_path: Path) -> None:
    with FakeGithub(tmp_path / "other") as other:
        for origin in (other.origin, scene.hub.origin.replace("127.0.0.1", "localhost")):
            other.faults.add("GET *", Status(200, body=DATA))
            scene.hub.faults.add(BLOBS, Redirect(f"{origin}/elsewhere?signature=secret"))
            scene.hub.faults.add("GET /elsewhere*", Status(200, body=DATA))
            assert scene.blob() == WHOLE
        for request in (*other.requests, *(each for each in scene.hub.requests if each.path == "/elsewhere")):
            assert "Authorization" not in request.headers
            assert "secret" in request.query.values()
        assert other.count() == 1


def test_a_redirection_and_back_comes_without_the_token(scene: Scene, tmp_path: Path) -> None:
    with FakeGithub(tmp_path / "other") as other:
        scene.hub.faults.add(BLOBS, Redirect(f"{other.origin}/x"))
        other.faults.add("GET /x", Redirect(f"{scene.hub.repo_url}/git/blobs/{BLOB}"))
        with pytest.raises(GithubMissing):
            scene.blob()
    assert "Authorization" not in scene.hub.requests[-1].headers


def test_a_redirection_within_github_keeps_the_token(scene: Scene) -> None:
    for code in (301, 302, 303, 307, 308):
        scene.hub.faults.add(BLOBS, Redirect(f"{scene.hub.repo_url}/git/blobs/{BLOB}", code))
        assert scene.blob() == WHOLE


def test_a_redirected_batch_request_goes_nowhere_else(scene: Scene, tmp_path: Path) -> None:
    with FakeGithub(tmp_path / "other") as other:
        scene.hub.faults.add(LINKS, Redirect(f"{other.origin}/x", 307))
        with pytest.raises(GithubRefused, match="another host"):
            scene.lfs()
        assert other.count() == 0
    scene.hub.faults.add(LINKS, Redirect("/someone/archive.git/info/lfs/objects/batch", 307))
    assert scene.lfs() == WHOLE


def test_the_headers_of_an_action_are_used(scene: Scene) -> None:
    action = {"href": f"{scene.hub.origin}/x", "header": {"Authorization": "RemoteAuth abc", "X-Key": "1"}}
    body = {"objects": [{"oid": POINTER.oid, "size": 1, "actions": {"download": action}}]}
    scene.hub.faults.add(LINKS, Status(200, body=body))
    scene.hub.faults.add("GET /x", Status(200, body=DATA))
    assert scene.lfs() == WHOLE
    headers = scene.hub.requests[-1].headers
    assert (headers["Authorization"], headers["X-Key"]) == ("RemoteAuth abc", "1")


def test_netrc_gives_no_login(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\nmachine localhost login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    scene.blob()
    scene.lfs()
    blob, batch, object_ = (each.headers.get("Authorization") for each in scene.hub.requests)
    assert blob == f"token {scene.hub.token}"
    assert batch is not None
    assert object_ is None


def test_without_a_token_none_is_sent(scene: Scene) -> None:
    downloader = scene.make(token=None)
    with pytest.raises(GithubMissing):
        downloader.blob(BLOB, scene.target)
    assert "Authorization" not in scene.hub.requests[-1].headers


def test_secrets_are_in_no_message_and_no_log(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = scene.hub.token
    texts = []
    for kind, glob in (("blob", BLOBS), ("lfs", LINKS), ("lfs", OBJECTS)):
        said = {"message": f"Authorization: token {token} and more"}
        actions: list[Action] = [Status(code, body=said) for code in (401, 403, 404, 422, 429, 500)]
        actions += [CutBody(1), CloseBeforeAnswer(), WrongBody(b"no"), Redirect("ftp://x/?X-Amz-Signature=1")]
        for action in actions:
            scene.hub.faults.add(glob, action, times=None)
            with pytest.raises(GithubError) as caught:
                scene.fetch(kind)
            scene.hub.faults.clear()
            scene.clock.advance(3600)
            error = caught.value
            texts += [str(error), repr(error), "".join(traceback.format_exception(error))]
    assert token not in "".join(texts) + caplog.text
    assert "Signature" not in "".join(texts)
    assert "eC1hY2Nlc3MtdG9rZW" not in "".join(texts) + caplog.text
