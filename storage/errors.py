"""Everything that can go wrong with the tree, its files and its names."""


class StorageError(Exception):
    """Something about the tree or a file in it is not as it must be."""


class NotFound(StorageError):
    """The file or folder is not there (and the tree's root is)."""


class StoreUnavailable(StorageError):
    """The folder cannot be reached now: a mount that went away, an I/O error, a time-out. Wait and try again."""


class RootLost(StoreUnavailable):
    """The root has lost its marker file: an unmounted or empty folder. Nothing may be concluded from absence."""


class RootUnsupported(StorageError):
    """The root's marker is of a format that this version does not know. Install a later version."""


class RootUnusable(StorageError):
    """The root cannot be used as things are: a package is missing, or its server lacks what leases need."""


class StoreFull(StorageError):
    """No space or quota is left. Free space; nothing was lost, the work is done again."""


class StoreReadOnly(StorageError):
    """The folder does not let this user write. Give it write permission or choose another root."""


class UnsafeName(StorageError):
    """A name from outside could reach outside the tree or cannot be stored faithfully."""


class NameCollision(StorageError):
    """A name differs from one in the tree only by letter case or Unicode form."""


class ManifestInvalid(StorageError):
    """A manifest, metadata file or dispatch payload is not what its form says."""


class ManifestUnreadable(ManifestInvalid):
    """A manifest is empty, cut short or no JSON: it may still be arriving."""


class StillArriving(StorageError):
    """A file is not (wholly) there yet. Wait; it is no failure."""


class ChunkMissing(StorageError):
    """A chunk's data never arrived."""


class SizeMismatch(StorageError):
    """A chunk's data has another size than was declared."""


class HashMismatch(StorageError):
    """Bytes have another SHA-256 than was declared."""


class RecipeInvalid(StorageError):
    """A recipe.json cannot be read as recipe 1.0 or 1.1."""


class NotCommitted(StorageError):
    """The chunk has no recipe.json and compressed.bin that belong together."""


class RunLost(NotCommitted):
    """The file that holds the bytes of several chunks is not there, or is damaged; `run` is its path in the tree."""

    def __init__(self, message: str, run: str) -> None:
        super().__init__(message)
        self.run = run


class BaseConflict(StorageError):
    """The base already holds other bytes for this chunk; committing would overwrite them."""


class LeaseLost(StorageError):
    """This worker no longer holds the lease of the job it is working on."""
