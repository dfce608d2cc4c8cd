"""References: a chunk whose bytes another chunk of the tree holds; its own compressed.bin is empty."""

from panini_daemon.storage.errors import RecipeInvalid, UnsafeName
from panini_daemon.storage.names import safe_path
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.root import CHUNKS

REFERENCE_METHOD, REFERENCE_RECONSTRUCTION = "dedup_reference_v1", "dedup_resolve"


def depends_on_target(recipe: Recipe) -> bool:
    """Tell whether a chunk is committed only as long as the one that it names is.

    The two files of a recipe of version 1.0 count as they are, as its writer meant it; decoding tells.
    """
    return recipe.compression_method == REFERENCE_METHOD and recipe.version != "1.0"


def parse_reference(recipe: Recipe) -> str:
    """Return the folder that a reference names, from the tree's root on. Raises RecipeInvalid."""
    path = recipe.reconstruction.parameters.get("reference_path")
    try:
        if isinstance(path, str) and safe_path(path).startswith(f"{CHUNKS}/"):
            return path
        found = f"{path!r:.300}"
    except UnsafeName as error:
        found = str(error)
    raise RecipeInvalid(
        f"chunk {recipe.chunk_id}, {REFERENCE_METHOD}: found reference_path {found}; expected a chunk's folder below "
        f"{CHUNKS}/; restore recipe.json from a copy or compress the chunk again"
    )
