"""Settings: defaults, panini.toml, environment and flags in one validated object."""

from panini_daemon.config.errors import ConfigError, Problem
from panini_daemon.config.listing import Row, describe
from panini_daemon.config.loader import load
from panini_daemon.config.object_url import ObjectUrl
from panini_daemon.config.settings import Loaded, Settings

__all__ = ["ConfigError", "Loaded", "ObjectUrl", "Problem", "Row", "Settings", "describe", "load"]
