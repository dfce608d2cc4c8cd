import os
import signal
import threading

import pytest

from panini_daemon.ending_signals import ending_on_signals


class FakeApplication:
    """Stopping takes a lock, as waking the loop does."""

    def __init__(self) -> None:
        self.lock, self.stopped = threading.Lock(), threading.Event()

    def stop(self) -> None:
        if self.lock.acquire(timeout=5):
            self.lock.release()
            self.stopped.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_interrupts_code_which_holds_a_lock_stops_the_application_all_the_same(number: int) -> None:
    app = FakeApplication()
    inherited = signal.signal(number, signal.default_int_handler)  # under nohup SIGHUP is ignored, and stays so
    try:
        with ending_on_signals(app.stop):
            with app.lock:
                os.kill(os.getpid(), number)
            assert app.stopped.wait(5)
        assert signal.getsignal(number) == signal.default_int_handler
    finally:
        signal.signal(number, inherited)


def test_without_a_signal_nothing_is_stopped() -> None:
    app = FakeApplication()
    with ending_on_signals(app.stop):
        pass
    assert not app.stopped.is_set()
