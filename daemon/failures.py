"""One table: what is done about each error."""

from enum import StrEnum

from panini_daemon import errors as daemon
from panini_daemon.compressors import errors as compressor
from panini_daemon.storage import errors as storage
from panini_daemon.storage.github import errors as github


class Action(StrEnum):
    """What the daemon does when a chunk meets an error."""

    WAIT = "wait"
    """A folder is away or full: try again until it is back, however long that takes."""
    RETRY = "retry"
    """Try again after a pause that doubles, `max_attempts` times in all, then give up."""
    EXCLUDE = "exclude"
    """Try again without the codec that failed; where the job asked for it by name, as RETRY."""
    GIVE_UP = "give up"
    """The job goes to failed/ with the reason; other jobs go on."""
    POSTPONE = "postpone"
    """The place that the chunk comes from cannot be asked now: other jobs go on, this one later."""
    DROP = "drop"
    """Another worker has the job, or the daemon is ending: leave everything as it is."""
    STOP = "stop"
    """Nothing can go on: end the daemon with a clear message."""


ACTIONS: dict[type[Exception], Action] = {
    storage.StoreUnavailable: Action.WAIT,
    storage.StoreFull: Action.WAIT,
    daemon.SpoolUnavailable: Action.WAIT,
    github.GithubUnavailable: Action.POSTPONE,
    github.GithubDenied: Action.POSTPONE,
    storage.StoreReadOnly: Action.STOP,
    storage.RootUnsupported: Action.STOP,
    storage.RootUnusable: Action.STOP,
    compressor.DeviceUnavailable: Action.STOP,
    storage.LeaseLost: Action.DROP,
    daemon.ComputeStopped: Action.DROP,
    storage.StillArriving: Action.RETRY,
    storage.ChunkMissing: Action.RETRY,
    storage.NotFound: Action.RETRY,
    github.GithubMissing: Action.RETRY,
    github.GithubConflict: Action.RETRY,
    github.GithubRefused: Action.RETRY,
    storage.SizeMismatch: Action.RETRY,  # on a mount, content can be late and wrong for a while
    storage.HashMismatch: Action.RETRY,
    daemon.ComputeTimeout: Action.EXCLUDE,
    daemon.ComputeDied: Action.EXCLUDE,
    daemon.ComputeOutOfMemory: Action.EXCLUDE,
    daemon.VerificationFailed: Action.EXCLUDE,
    storage.UnsafeName: Action.GIVE_UP,
    storage.NameCollision: Action.GIVE_UP,
    storage.BaseConflict: Action.GIVE_UP,
    storage.ManifestInvalid: Action.GIVE_UP,
    compressor.UnknownMethod: Action.GIVE_UP,
    compressor.NotApplicable: Action.GIVE_UP,
    compressor.PluginNotLoadable: Action.GIVE_UP,
    compressor.ModelMissing: Action.GIVE_UP,
    compressor.ModelDamaged: Action.GIVE_UP,
    compressor.DeviceInexact: Action.EXCLUDE,
    compressor.PluginFailed: Action.RETRY,
}


def action_for(error: Exception) -> Action:
    """Look an error up by its nearest listed class; an error nobody foresaw is retried, then given up."""
    for kind in type(error).__mro__:
        if action := ACTIONS.get(kind):
            return action
    return Action.RETRY
