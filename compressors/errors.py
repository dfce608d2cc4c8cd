"""Everything that can go wrong with compressing and decompressing."""


class CompressorError(Exception):
    """A plugin, a payload or a request for one is not as it must be."""


class UnknownMethod(CompressorError):
    """No installed plugin has this name. Install the plugin that wrote it, or ask for another method."""


class PluginNotLoadable(CompressorError):
    """A plugin is registered but its import or construction fails. Reinstall it or its dependencies."""


class PluginFailed(CompressorError):
    """A plugin raised an error of its own on bytes it should have taken."""


class NotApplicable(CompressorError):
    """The codec cannot represent these bytes (an image coder given no image). Others can."""


class PayloadDamaged(CompressorError):
    """A payload or its parameters are not what the method writes; nothing was decoded."""


class DeviceUnavailable(CompressorError):
    """The device asked for is not on this machine. Choose another, or `auto`."""


class ModelMissing(CompressorError):
    """The weights that a payload or a method names are not on this machine. The message names the command."""


class ModelDamaged(CompressorError):
    """Weights or tables do not have the SHA-256 that they must have. Fetch them again."""


class DeviceInexact(CompressorError):
    """A device does not compute a model's frozen numbers. Nothing may be coded with a model on it; use another."""
