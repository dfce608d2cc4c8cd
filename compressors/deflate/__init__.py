"""Deflate streams undone, and redone to the exact bytes: docs/deflate.md.

Imports compile nothing yet, but take numba: import this where it is used.
"""

from panini_daemon.compressors.deflate.undoing import Undone, redo, undo

__all__ = ["Undone", "redo", "undo"]
