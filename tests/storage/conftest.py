"""Fixtures that several files of this folder use; a file's own fixture of the same name wins."""

from fakes.inbox_scene import scene
from fakes.lease_scene import clock, make, store

__all__ = ["clock", "make", "scene", "store"]
