"""What can go wrong in the daemon itself, beside what its parts raise."""


class DaemonError(Exception):
    """The daemon could not do what was asked."""


class ComputeFailed(DaemonError):
    """A compute process could not finish. `method` is the codec that was at work, where known."""

    def __init__(self, message: str, method: str | None = None) -> None:
        super().__init__(message)
        self.method = method


class ComputeTimeout(ComputeFailed):
    """A plugin took longer than a chunk of this size may take; its process was ended."""


class ComputeDied(ComputeFailed):
    """A compute process ended by itself: a crash in a native library, or killed for memory."""


class ComputeOutOfMemory(ComputeFailed):
    """A plugin needed more memory than its process may use."""


class ComputeStopped(DaemonError):
    """The daemon is ending; the chunk goes back untouched and is done at the next start."""


class VerificationFailed(ComputeFailed):
    """A payload did not decode to the chunk's bytes. It was thrown away; nothing was committed."""


class SpoolUnavailable(DaemonError):
    """The local working folder cannot be written: free local disk space or set another `spool`."""


class ReconstructionFailed(DaemonError):
    """A committed chunk did not give back its bytes."""


class Incomplete(DaemonError):
    """A file cannot be rebuilt: chunks are missing or leave a gap."""


class RepairRunning(DaemonError):
    """Another repair is at work on the tree; wait for its end."""


class UsageError(DaemonError):
    """The command was called with arguments that make no sense together."""
