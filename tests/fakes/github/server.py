"""The fake GitHub as tests start it.

with FakeGithub(tmp_path) as hub:
    hub.commit({"a.txt": b"a"})
    requests.get(f"{hub.repo_url}/git/ref/heads/main", headers={"Authorization": f"Bearer {hub.token}"})
"""

from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from fakes.github.exchange import Answer, Problem, Request
from fakes.github.faults import Action
from fakes.github.graphql import answer_graphql
from fakes.github.hub import Counter, Hub
from fakes.github.lfs import STORE, answer_batch, answer_object
from fakes.github.rest import answer_rest, classify
from fakes.github.smart_http import answer_git
from fakes.github.wire import Listener

API = "/api/v3"
GRAPHQL = "/api/graphql"


class FakeGithub(Hub):
    """A hub that serves, from its construction on until it is closed."""

    def __init__(
        self,
        folder: Path,
        owner: str = "someone",
        repo: str = "archive",
        token: str = "ghp_000000000000000000000000fake",
    ) -> None:
        super().__init__(folder, owner, repo, token)
        self._number = Counter()
        self._listener = Listener(self._respond, self._record, self.faults.due)
        self.origin = f"http://127.0.0.1:{self._listener.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        if error is None and self.crashes:
            raise AssertionError("the fake GitHub itself failed") from self.crashes[0]

    def close(self) -> None:
        """Stop serving: no thread, connection or process of it is left."""
        self._listener.close()
        self.git.objects.close()
        self.crashes += self._listener.crashes

    def _record(self, request: Request) -> None:
        request.kind = self._classify(request.path)
        with self.lock:
            self.requests.append(request)

    def _classify(self, path: str) -> str:
        if path.startswith(API + "/"):
            return classify(path.removeprefix(API), self)
        if path == GRAPHQL:
            return "graphql"
        if path.startswith(STORE):
            return "lfs-object"
        git = f"/{self.owner}/{self.repo}.git/"
        if not path.startswith(git):
            return "other"
        return "lfs" if path.startswith(f"{git}info/lfs/") else "git"

    def _respond(self, request: Request, action: Action) -> Answer:
        try:
            answer = self._answer(request, None if action.applied else action.stand_in())
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test that caused it must hear of it
            self.crashes.append(error)
            answer = Problem(500, f"The fake failed: {error!r}").answer()
        number = self._number()
        common = {
            "server": "github.com",
            "date": format_datetime(self.clock(), usegmt=True),
            "x-github-request-id": f"{number:04X}:FA4E",
            "content-type": "text/plain; charset=utf-8",
        }
        if answer.status == 204:
            del common["content-type"]
        answer.headers = {**common, **answer.headers}
        return answer

    def _answer(self, request: Request, stand_in: Answer | None) -> Answer:
        if request.path.startswith(API + "/"):
            return answer_rest(self, request, request.path.removeprefix(API), stand_in)
        if request.path == GRAPHQL:
            return answer_graphql(self, request, stand_in)
        if stand_in is not None:
            return stand_in
        if request.kind == "lfs-object":
            return answer_object(self, request, request.path.removeprefix(STORE))
        tail = request.path.removeprefix(f"/{self.owner}/{self.repo}.git")
        if request.kind == "lfs":
            return answer_batch(self, request, tail.removeprefix("/info/lfs"))
        return answer_git(self, request, tail) if request.kind == "git" else Problem(404, "Not Found").answer()
