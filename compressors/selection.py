"""Choosing a codec by trial: the smallest payload that decodes wins, within the level's nominal time.

Times are the codecs' own constants, never measurements, so that every worker chooses alike.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from panini_daemon.compressors.classification import classify
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import CompressorError, PluginFailed
from panini_daemon.compressors.parameters import check_claim, check_size
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Hints, Json, Kind, Level
from panini_daemon.compressors.registry import Registry
from panini_daemon.compressors.results import Item, Result
from panini_daemon.compressors.trials import OnTrial, Plan, Run, encode_together

AUTO = "auto"
FALLBACK = "passthrough_v1"
_AS_ASKED = frozenset({"generic_gzip_v1", FALLBACK})  # readers of recipe 1.0 want a gzip stream, always


@dataclass(frozen=True, slots=True)
class Budget:
    """How many codecs a level tries, and how many nominal seconds per MiB they may take together."""

    trials: int
    seconds: float


BUDGETS = {
    Level.FAST: Budget(1, 0.025),
    Level.BALANCED: Budget(3, 1.3),
    Level.BEST: Budget(100, 16.0),
    Level.MAX: Budget(1000, math.inf),
}


def compress(
    data: bytes,
    *,
    registry: Registry,
    request: str = AUTO,
    level: Level = Level.BALANCED,
    hints: Hints | None = None,
    device: Device | None = None,
    exclude: frozenset[str] = frozenset(),
    on_trial: OnTrial | None = None,
    checked: bool = True,
) -> Result:
    """Compress one chunk with whatever makes it smallest; the payload is never larger than the data.

    `request` is `auto`, a family or a method id. Methods in `exclude` are not tried. `on_trial` is called
    with the method before each trial. Asked for by its id, generic_gzip_v1 always gives a gzip stream, even a
    larger one. Raises UnknownMethod and PluginNotLoadable for the request; NotApplicable and PluginFailed
    where a method that was asked for by its id cannot do it. In `auto` and in a family such errors are only
    noted in the result's trials. `checked` as for `compress_batch`.
    """
    order = Context(level, device=device or Device())
    plan = replace(_plan(Item(data, hints or Hints()), order, registry, request, exclude), checked=checked)
    return Run(data, plan, on_trial).finish({})


def compress_batch(
    items: Sequence[Item],
    *,
    registry: Registry,
    request: str = AUTO,
    level: Level = Level.BALANCED,
    device: Device | None = None,
    exclude: frozenset[str] = frozenset(),
    on_trial: OnTrial | None = None,
    checked: bool = True,
) -> list[Result | CompressorError]:
    """Compress several chunks as `compress` does, handing them together to the plugins that like it so.

    Without `checked`, a winning payload is not decoded here: the caller does, and excludes a method that fails.
    An error that `compress` would raise stands in its chunk's place. Raises UnknownMethod and
    PluginNotLoadable.
    """
    order = Context(level, device=device or Device())
    plans = [replace(_plan(item, order, registry, request, exclude), checked=checked) for item in items]
    runs = [Run(item.data, plan, on_trial) for item, plan in zip(items, plans, strict=True)]
    ahead: list[dict[str, Encoded]] = [{} for _ in items]
    batchers = {one.method: one for run in runs for one, _ in run.plan.candidates if one.batch_size > 1}
    for plugin in batchers.values():
        wanted = [at for at, run in enumerate(runs) if run.expects(plugin)]
        for start in range(0, len(wanted), plugin.batch_size):
            group = wanted[start : start + plugin.batch_size]
            for at, encoded in zip(group, encode_together(plugin, [runs[at] for at in group], on_trial), strict=True):
                if encoded is not None:
                    ahead[at][plugin.method] = encoded
    return [_finish(run, encoded) for run, encoded in zip(runs, ahead, strict=True)]


def decompress(
    payload: bytes,
    *,
    registry: Registry,
    method: str,
    parameters: Mapping[str, Json],
    size: int,
    device: Device | None = None,
) -> bytes:
    """Decode a payload to `size` bytes, at most `parameters.LARGEST`.

    Raises UnknownMethod, PluginNotLoadable, PayloadDamaged and PluginFailed.
    Only recipe 1.0's semantic_image_v1 may give another size.
    """
    plugin = registry.get(method)
    check_claim(size)
    try:
        data = plugin.decompress(payload, parameters, size, device or Device())
    except CompressorError:
        raise
    except Exception as error:
        raise PluginFailed(f"{method} failed to decode: {error!r}; report it to the plugin's authors") from error
    return check_size(data, size) if plugin.exact_size else data


def estimate_memory(size: int, request: str, level: Level, *, registry: Registry, kind: Kind | None = None) -> int:
    """Estimate, in bytes and generously, what compressing `size` bytes takes; less where their `kind` is known.

    Raises UnknownMethod and PluginNotLoadable.
    """
    if request == AUTO:
        plugins = _possible(registry, level, Kind if kind is None else [kind])
    else:
        plugins = registry.resolve(request)
    return 4 * size + max((plugin.memory(size, level) for plugin in plugins), default=0)


def _finish(run: Run, ahead: Mapping[str, Encoded]) -> Result | CompressorError:
    try:
        return run.finish(ahead)
    except CompressorError as error:
        return error


def _plan(item: Item, order: Context, registry: Registry, request: str, exclude: frozenset[str]) -> Plan:
    context = replace(order, kind=classify(item.data, item.hints), hints=item.hints)
    fallback = registry.get(FALLBACK)
    if request == AUTO:
        budget = BUDGETS[order.level]
        offers = [(one, offer.seconds) for one, offer in registry.candidates(context) if one.method not in exclude]
        return Plan(context, offers, budget.trials, budget.seconds, fallback, named=False, sampled=True)
    plugins = registry.resolve(request)
    named = plugins[0].method == request
    if named and request in exclude:
        raise PluginFailed(f"{request} was asked for but is excluded after it failed; ask for another method or 'auto'")
    chosen = [(one, 0.0) for one in plugins if one.method not in exclude]
    kept = None if request in _AS_ASKED else fallback
    return Plan(context, chosen, len(chosen), math.inf, kept, named=named)


def _possible(registry: Registry, level: Level, kinds: Iterable[Kind]) -> list[Compressor]:
    offers = {one.method: one for kind in kinds for one, _ in registry.candidates(Context(level, kind))}
    return list(offers.values())
