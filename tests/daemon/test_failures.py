import inspect

import pytest

from panini_daemon import errors as daemon
from panini_daemon.compressors import errors as compressor
from panini_daemon.failures import ACTIONS, Action, action_for
from panini_daemon.storage import errors as storage
from panini_daemon.storage.github import errors as github

RAISED_BY_COMMANDS_ONLY = {
    daemon.Incomplete,
    daemon.ReconstructionFailed,
    daemon.RepairRunning,
    daemon.UsageError,
    storage.NotCommitted,
    storage.RunLost,
    storage.RecipeInvalid,
    compressor.PayloadDamaged,
}


def classes(module: object) -> list[type[Exception]]:
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == module.__name__  # type: ignore[attr-defined]
    ]


@pytest.mark.parametrize("module", [daemon, storage, github, compressor])
def test_every_error_a_chunk_can_meet_has_an_action(module: object) -> None:
    bases = {
        daemon.DaemonError,
        daemon.ComputeFailed,
        storage.StorageError,
        github.GithubError,
        compressor.CompressorError,
    }
    listed = [error for error in classes(module) if any(parent in ACTIONS for parent in error.__mro__)]
    missing = set(classes(module)) - set(listed) - bases - RAISED_BY_COMMANDS_ONLY
    assert missing == set()


def test_a_subclass_has_its_parents_action() -> None:
    assert action_for(storage.RootLost("gone")) is Action.WAIT


def test_an_unforeseen_error_is_retried() -> None:
    assert action_for(ZeroDivisionError()) is Action.RETRY


@pytest.mark.parametrize("module", [daemon, storage, github, compressor])
def test_every_error_says_what_it_means(module: object) -> None:
    assert all(error.__doc__ and error.__doc__.strip() for error in classes(module))
