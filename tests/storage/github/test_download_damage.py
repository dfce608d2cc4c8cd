"""Downloaded bytes that are wrong."""

import pytest
from fakes.download_scene import BLOB, BLOBS, DATA, WHOLE, Scene, both, scene
from fakes.github.exchange import Answer
from fakes.github.faults import Action, Line, Status, WrongBody

from panini_daemon.storage.github.errors import GithubRefused

__all__ = ["scene"]


WRONG = [DATA[:-1] + b"?", DATA + b"?", DATA[:-1], b""]


@both
@pytest.mark.parametrize("body", WRONG)
def test_damaged_bytes_are_fetched_once_more(scene: Scene, kind: str, glob: str, body: bytes) -> None:
    scene.hub.faults.add(glob, WrongBody(body))
    assert scene.fetch(kind) == WHOLE
    assert scene.is_whole()
    assert scene.ranges() == [None, None]


@both
@pytest.mark.parametrize("body", WRONG)
def test_bytes_that_stay_damaged_are_refused(scene: Scene, kind: str, glob: str, body: bytes) -> None:
    scene.hub.faults.add(glob, WrongBody(body), times=None)
    with pytest.raises(GithubRefused, match=r"damaged twice.*proxy"):
        scene.fetch(kind)
    assert len(scene.ranges()) == 2
    scene.gate.check()


@both
@pytest.mark.parametrize("code", [201, 204, 206])
def test_a_status_that_makes_no_sense_is_refused(scene: Scene, kind: str, glob: str, code: int) -> None:
    scene.hub.faults.add(glob, Status(code, {"content-range": "bytes 0-1/2"}, body=b"xx"[: 2 * (code != 204)]), None)
    with pytest.raises(GithubRefused, match=str(code)):
        scene.fetch(kind)
    assert len(scene.ranges()) == 2


def test_damage_of_untold_size_is_found(scene: Scene) -> None:
    scene.hub.faults.add(BLOBS, WrongBody(DATA[:-1]), times=None)
    with pytest.raises(GithubRefused, match="damaged twice"):
        scene.blob()
    with pytest.raises(GithubRefused, match="damaged twice"):
        scene.downloader.read(BLOB, limit=len(DATA))


def test_a_damaged_beginning_is_not_kept(scene: Scene) -> None:
    scene.serve_ranges(True)

    class CutWrong(Action):
        def send(self, line: Line, answer: Answer) -> None:
            line.send_head(answer)
            line.send_piece(b"?" * 1000)
            line.drop()

    scene.hub.faults.add(BLOBS, CutWrong())
    assert scene.blob() == WHOLE
    assert scene.ranges() == [None, "bytes=1000-", None]
