from collections.abc import Mapping, Sequence

import pytest

from panini_daemon.compressors import Device, Registry
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.generic_zstd import GenericZstd
from panini_daemon.compressors.protocol import Json
from panini_daemon.decoding import decode_together
from panini_daemon.storage.recipe import Recipe, parse_recipe


class Together(GenericZstd):
    """Echoes payloads, in batches of two, and counts them."""

    method = "together_v1"
    batch_size = 2

    def __init__(self) -> None:
        self.batches: list[int] = []

    def decompress_batch(
        self,
        payloads: Sequence[bytes],
        parameters: Sequence[Mapping[str, Json]],
        sizes: Sequence[int],
        device: Device,
    ) -> list[bytes]:
        self.batches.append(len(payloads))
        if b"bad" in payloads:
            raise PayloadDamaged("bad")
        return list(payloads)


def recipe(method: str = "together_v1") -> Recipe:
    text = f'{{"version":"1.0","chunk_id":0,"original_hash":"","compression_method":"{method}",'
    return parse_recipe((text + '"reconstruction":{"method":"x"},"assembly_info":{"offset":0,"size":3}}').encode())


@pytest.fixture
def plugin() -> Together:
    return Together()


def test_what_goes_together_is_decoded_together(plugin: Together) -> None:
    recipes = [recipe(), recipe("generic_zstd_v1"), recipe(), recipe(), recipe("nobody_v1")]
    payloads = [b"one", b"two", b"six", b"ten", b"ace"]
    registry = Registry([plugin, GenericZstd()])
    found = decode_together(recipes, payloads, registry=registry, device=Device())
    assert found == {0: b"one", 2: b"six", 3: b"ten"}
    assert plugin.batches == [2, 1]


def test_a_batch_that_fails_is_left_to_be_decoded_one_by_one(plugin: Together) -> None:
    registry = Registry([plugin])
    found = decode_together([recipe()] * 4, [b"bad", b"two", b"six", b"ten"], registry=registry, device=Device())
    assert found == {2: b"six", 3: b"ten"}


def test_one_alone_is_not_decoded_ahead(plugin: Together) -> None:
    assert decode_together([recipe()], [b"one"], registry=Registry([plugin]), device=Device()) == {}
    assert plugin.batches == []
