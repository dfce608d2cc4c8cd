"""What the tests of the service share."""

from collections.abc import Callable

from fakes.bench import Bench

from panini_daemon.compute import Order

TEXT = b"To be, or not to be, that is the question.\n" * 50


def failing(*errors: Exception) -> Callable[[Order], None]:
    left = list(errors)

    def before(_: Order) -> None:
        if left:
            raise left.pop(0)

    return before


def the_manifest(bench: Bench) -> str:
    (name,) = [name for name in bench.names("inbox") if name.endswith(".json")]
    return f"inbox/{name}"
