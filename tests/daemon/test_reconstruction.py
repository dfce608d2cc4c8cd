import gzip
import hashlib
import io
import json

import pytest

from panini_daemon.compressors import Device, PayloadDamaged, Registry, UnknownMethod
from panini_daemon.errors import ReconstructionFailed
from panini_daemon.reconstruction import Reconstructed, reconstruct
from panini_daemon.storage.recipe import Recipe, parse_recipe

DATA = "Éléonore compresse; ça revient à l'octet près.\n".encode() * 20


def recipe(method: str, reconstruction: dict[str, object], original: bytes = DATA, **more: object) -> Recipe:
    return parse_recipe(
        json.dumps(
            {
                "version": "1.0",
                "chunk_id": 3,
                "original_hash": hashlib.sha256(original).hexdigest(),
                "compression_method": method,
                "reconstruction": reconstruction,
                "stats": {"original_size": len(original)},
                **more,
            }
        ).encode()
    )


def decode(recipe: Recipe, payload: bytes) -> Reconstructed:
    return reconstruct(recipe, payload, registry=Registry(), device=Device())


@pytest.mark.parametrize(
    ("method", "reconstruction"),
    [
        ("generic_gzip_v1", {"method": "gzip_decompress"}),
        ("semantic_text_v1", {"method": "gzip_decompress", "encoding": "utf-8"}),
        ("semantic_text_v1", {"method": "gzip_decompress", "parameters": {"encoding": "utf-8"}}),
        ("some_name_of_1_0", {"method": "gzip_decompress"}),
    ],
)
def test_gzip_forms_of_recipe_1_0_decode(method: str, reconstruction: dict[str, object]) -> None:
    assert decode(recipe(method, reconstruction), gzip.compress(DATA)) == Reconstructed(DATA)


def test_gzip_without_any_size_decodes_by_its_own_trailer() -> None:
    assert decode(recipe("generic_gzip_v1", {"method": "gzip_decompress"}, stats={}), gzip.compress(DATA)).data == DATA


def test_passthrough_without_any_size_decodes() -> None:
    assert decode(recipe("passthrough_v1", {"method": "passthrough"}, stats={}), DATA).data == DATA


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("method", ["image_array_reconstruct", "gzip_decompress"])
def test_pixels_of_recipe_1_0_give_a_reencoded_image_that_says_so(nested: bool, method: str) -> None:
    from PIL import Image

    pixels, original = bytes(range(48)), b"the original PNG, which 1.0 did not keep"
    shape = {"shape": [4, 4, 3], "dtype": "uint8", "format": "PNG"}
    form: dict[str, object] = {"method": method, "parameters": shape} if nested else {"method": method, **shape}
    found = decode(recipe("semantic_image_v1", form, original), gzip.compress(pixels))
    assert not found.exact
    with Image.open(io.BytesIO(found.data)) as image:
        assert image.tobytes() == pixels


def test_other_bytes_than_the_recipe_expects_are_refused() -> None:
    with pytest.raises(ReconstructionFailed, match="SHA-256"):
        decode(recipe("generic_gzip_v1", {"method": "gzip_decompress"}, DATA), gzip.compress(DATA[::-1]))


def test_an_unknown_method_names_those_there_are() -> None:
    with pytest.raises(UnknownMethod, match="passthrough_v1"):
        decode(recipe("acme_v7", {"method": "acme"}), b"")


def test_a_size_that_nobody_tells_is_an_error_not_a_guess() -> None:
    with pytest.raises(PayloadDamaged, match="size"):
        decode(recipe("generic_zstd_v1", {"method": "zstd_decompress"}, stats={}), b"xx")


def reference(path: object = "chunks/a/chunk_0000") -> Recipe:
    return recipe("dedup_reference_v1", {"method": "dedup_resolve", "parameters": {"reference_path": path}})


def test_a_reference_gives_its_targets_bytes() -> None:
    target = recipe("generic_gzip_v1", {"method": "gzip_decompress"})
    found = reconstruct(
        reference(), b"", registry=Registry(), device=Device(), resolve=lambda _: (target, gzip.compress(DATA))
    )
    assert found.data == DATA


def test_a_reference_to_a_reference_is_refused() -> None:
    with pytest.raises(ReconstructionFailed, match="one step"):
        reconstruct(reference(), b"", registry=Registry(), device=Device(), resolve=lambda _: (reference(), b""))


@pytest.mark.parametrize("path", [None, 7])
def test_a_reference_to_nothing_is_refused(path: object) -> None:
    with pytest.raises(ReconstructionFailed, match="reference"):
        reconstruct(reference(path), b"", registry=Registry(), device=Device(), resolve=lambda _: (reference(), b""))
