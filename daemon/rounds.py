"""A thread that does rounds of work with GitHub, so that nothing else waits for the network."""

import threading
import traceback
from collections.abc import Callable

from panini_daemon.logs import Logger
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.github.errors import GithubError, GithubUnavailable

_FIRST, _LONGEST = 30.0, 900.0
_FOLDER_AWAY = 15.0


class Rounds:
    """Calls `act` again and again; it returns how many seconds the next round may wait, infinity for until `woken`.

    Whatever `act` raises, the thread goes on: what GitHub refuses is told once and tried again less and less often.
    """

    def __init__(self, name: str, act: Callable[[], float], log: Logger, woken: threading.Event | None = None) -> None:
        """Start nothing yet."""
        self.name = name
        self.problem: str | None = None
        """Why the last round failed, None where it did not."""
        self.failures = 0
        """How many rounds in a row failed."""
        self.pause = 0.0
        """How many seconds the next round waits after a failed one."""
        self.refused = False
        """Whether the last round failed for a reason that waiting does not mend: a wrong name, a permission."""
        self.woken = woken or threading.Event()
        self._act, self._log = act, log
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"github-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Let the thread end after the round it is at; do not wait longer than `timeout` seconds for that."""
        self._ended.set()
        self.woken.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def step(self) -> float:
        """Do one round; return how many seconds the next one may wait."""
        try:
            delay = self._act()
        except GithubUnavailable as error:  # the gate tells it, once for all threads
            return self._fail(str(error), error.retry_in)
        except GithubError as error:
            if self._refuse(error):
                self._log.warning("github_problem", doing=self.name, error=self.problem, next_try_in=round(self.pause))
            return self.pause
        except StorageError as error:  # the folder's own trouble is told by those who work on it
            return self._fail(f"{type(error).__name__}: {error}", _FOLDER_AWAY)
        except Exception as error:  # noqa: BLE001  whatever it is, the daemon is to outlive it
            if self._refuse(error):
                self._log.error("github_round_failed", doing=self.name, traceback=traceback.format_exc())
            return self.pause
        if self.problem is not None:
            self._log.debug("github_round_works", doing=self.name)
        self.problem, self.failures, self.pause, self.refused = None, 0, 0.0, False
        return delay

    def _refuse(self, error: Exception) -> bool:
        """Note an error that waiting hardly mends; True where it is another than the last one."""
        text, before = f"{type(error).__name__}: {error}", self.problem
        self._fail(text, min(_LONGEST, _FIRST * 2.0 ** min(self.failures, 10)))
        self.refused = True
        return text != before

    def _fail(self, problem: str, pause: float) -> float:
        self.problem, self.pause, self.refused = problem, pause, False
        self.failures += 1
        return pause

    def _run(self) -> None:
        while not self._ended.is_set():
            delay = min(self.step(), threading.TIMEOUT_MAX)
            # A wake-up shortens a wait for work, never one that GitHub asked for.
            (self.woken if self.problem is None else self._ended).wait(delay)
            self.woken.clear()
