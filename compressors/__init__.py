"""Compressor plugins: the protocol, the registry, selection, and the codecs that ship."""

from panini_daemon.compressors.classification import classify
from panini_daemon.compressors.device import Device, choose_device
from panini_daemon.compressors.errors import (
    CompressorError,
    DeviceUnavailable,
    ModelDamaged,
    ModelMissing,
    NotApplicable,
    PayloadDamaged,
    PluginFailed,
    PluginNotLoadable,
    UnknownMethod,
)
from panini_daemon.compressors.protocol import (
    Compressor,
    Context,
    Encoded,
    Hints,
    Json,
    Kind,
    Level,
    Offer,
    Surroundings,
)
from panini_daemon.compressors.registry import Registry
from panini_daemon.compressors.results import Item, Result, Trial
from panini_daemon.compressors.selection import BUDGETS, compress, compress_batch, decompress, estimate_memory

__all__ = [
    "BUDGETS",
    "Compressor",
    "CompressorError",
    "Context",
    "Device",
    "DeviceUnavailable",
    "Encoded",
    "Hints",
    "Item",
    "Json",
    "Kind",
    "Level",
    "ModelDamaged",
    "ModelMissing",
    "NotApplicable",
    "Offer",
    "PayloadDamaged",
    "PluginFailed",
    "PluginNotLoadable",
    "Registry",
    "Result",
    "Surroundings",
    "Trial",
    "UnknownMethod",
    "choose_device",
    "classify",
    "compress",
    "compress_batch",
    "decompress",
    "estimate_memory",
]
