"""Decoding several payloads together, for the codecs that like it so."""

from collections.abc import Sequence
from typing import cast

from panini_daemon.compressors import Registry
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.protocol import Json
from panini_daemon.storage.recipe import Recipe


def decode_together(
    recipes: Sequence[Recipe], payloads: Sequence[bytes], *, registry: Registry, device: Device
) -> dict[int, bytes]:
    """Decode what codecs that take batches wrote, by place; what fails, or is alone of its kind, is left out.

    Whoever is left out is decoded alone, and then shows its own error.
    """
    alike: dict[str, list[int]] = {}
    for number, recipe in enumerate(recipes):
        if recipe.size is not None and recipe.compression_method in registry.names():
            alike.setdefault(recipe.compression_method, []).append(number)
    found: dict[int, bytes] = {}
    for method, numbers in alike.items():
        if len(numbers) == 1 or (plugin := registry.get(method)).batch_size == 1:
            continue
        for start in range(0, len(numbers), plugin.batch_size):
            batch = numbers[start : start + plugin.batch_size]
            try:
                decoded = plugin.decompress_batch(
                    [payloads[number] for number in batch],
                    [cast("dict[str, Json]", recipes[number].reconstruction.options) for number in batch],
                    [recipes[number].size or 0 for number in batch],
                    device,
                )
            except Exception:  # noqa: BLE001, S112  a third-party plugin may raise anything; each is decoded alone
                continue
            if len(decoded) == len(batch):
                found |= zip(batch, decoded, strict=True)
    return found
