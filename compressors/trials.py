"""Trying codecs on one chunk: each payload that would win is decoded and compared before it counts."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from panini_daemon.compressors.errors import CompressorError, NotApplicable, PluginFailed
from panini_daemon.compressors.protocol import Compressor, Context, Encoded
from panini_daemon.compressors.results import Result, Trial, explain_choice
from panini_daemon.compressors.sampling import take_sample

OnTrial = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is to be tried on a chunk, in order, each with its nominal seconds per MiB.

    At most `trials` of them, and no more than `seconds` together; one that finds itself not applicable costs
    nothing. `fallback` is stored where nothing is smaller, unless `only` one method was asked for that must
    answer as it is. `named` says that one method was asked for by its id, whose errors are the caller's. With
    `sampled`, a codec of which a sample shows that it is no match for what is there is left to others' turns.
    """

    context: Context
    candidates: Sequence[tuple[Compressor, float]]
    trials: int
    seconds: float
    fallback: Compressor | None
    named: bool
    checked: bool = True
    sampled: bool = False


class Run:
    """The trials of one chunk."""

    def __init__(self, data: bytes, plan: Plan, on_trial: OnTrial | None) -> None:
        self.data = data
        self.plan = plan
        self._on_trial = on_trial
        self._trials: list[Trial] = []
        self._best: Encoded | None = None
        self._winner: Compressor | None = None
        self._sample = take_sample(data, plan.context) if plan.sampled else None
        self._ruled_out: list[str] = []

    def expects(self, plugin: Compressor) -> bool:
        """Tell whether this plugin's turn will come, as far as can be known before the trials."""
        spent, count = 0.0, 0
        for candidate, seconds in self.plan.candidates:
            if count < self.plan.trials and spent + seconds <= self.plan.seconds:
                if candidate is plugin:
                    return True
                spent, count = spent + seconds, count + 1
        return False

    def note(self, trial: Trial) -> None:
        """Record a trial that was made elsewhere."""
        self._trials.append(trial)

    def finish(self, ahead: Mapping[str, Encoded]) -> Result:
        """Make the trials; `ahead` holds what was encoded already, by method.

        Raises NotApplicable and PluginFailed.
        """
        fallback = self.plan.fallback
        if fallback is not None:
            self._winner, self._best = fallback, Encoded(self.data)
        spent, count = 0.0, 0
        for plugin, seconds in self.plan.candidates:
            if count >= self.plan.trials or spent + seconds > self.plan.seconds:
                continue
            if plugin.method not in ahead and self._is_ruled_out(plugin):
                self._ruled_out.append(plugin.method)
                continue
            try:
                self._try(plugin, ahead.get(plugin.method))
            except NotApplicable:
                if self.plan.named:
                    raise
                continue
            except CompressorError:
                if self.plan.named:
                    raise
            spent, count = spent + seconds, count + 1
        if self._winner is None or self._best is None:
            raise PluginFailed("no compressor was tried; ask for another method or 'auto'")
        return Result(
            method=self._winner.method,
            reconstruction=self._winner.reconstruction,
            parameters=dict(self._best.parameters),
            payload=self._best.payload,
            kind=self.plan.context.kind,
            trials=tuple(self._trials),
            chosen=explain_choice(self._winner.method, len(self._best.payload), self._trials, self._ruled_out),
        )

    def _is_ruled_out(self, plugin: Compressor) -> bool:
        """Tell whether a sample shows that a codec would not win; only what a codec has made is compared with."""
        if self._sample is None or self._winner is None or self._best is None or self._winner is self.plan.fallback:
            return False
        return self._sample.is_ruled_out(plugin, self._winner, len(self._best.payload))

    def _try(self, plugin: Compressor, encoded: Encoded | None) -> None:
        if self._on_trial is not None:
            self._on_trial(plugin.method)
        start = time.perf_counter()
        try:
            encoded = _check_form(plugin, encoded or self._encode(plugin))
            size = len(encoded.payload)
            if self._best is None or size < len(self._best.payload):
                if self.plan.checked:
                    self._check(plugin, encoded)
                self._winner, self._best = plugin, encoded
        except NotApplicable:
            raise  # the bytes are not its kind: no trial was made
        except CompressorError as error:
            self.note(Trial(plugin.method, None, time.perf_counter() - start, str(error)))
            raise
        self.note(Trial(plugin.method, size, time.perf_counter() - start))

    def _encode(self, plugin: Compressor) -> Encoded:
        try:
            return plugin.compress(self.data, self.plan.context)
        except CompressorError:
            raise
        except Exception as error:
            raise PluginFailed(
                f"{plugin.method} failed on {len(self.data)} bytes: {error!r}; ask for another method "
                "or 'auto', and report it to the plugin's authors"
            ) from error

    def _check(self, plugin: Compressor, encoded: Encoded) -> None:
        try:
            data = plugin.decompress(encoded.payload, encoded.parameters, len(self.data), self.plan.context.device)
        except Exception as error:
            raise PluginFailed(
                f"{plugin.method} cannot decode what it just wrote: {error!r}; report it to the plugin's authors"
            ) from error
        if data != self.data:
            raise PluginFailed(
                f"{plugin.method} decodes to other bytes than it was given; report it to the plugin's authors"
            )


def encode_together(plugin: Compressor, runs: Sequence[Run], on_trial: OnTrial | None) -> list[Encoded | None]:
    """Hand several chunks to a plugin at once.

    Where that fails, each chunk's trials say so and it is tried alone.
    """
    if on_trial is not None:
        on_trial(plugin.method)
    start = time.perf_counter()
    try:
        encoded = plugin.compress_batch([run.data for run in runs], [run.plan.context for run in runs])
        _check_count(plugin, encoded, runs)
    except Exception as error:  # noqa: BLE001  a third-party plugin may raise anything; it is recorded
        seconds = time.perf_counter() - start
        for run in runs:
            run.note(Trial(plugin.method, None, seconds, f"as a batch of {len(runs)}: {error!r}"))
        return [None] * len(runs)
    return list(encoded)


def _check_form(plugin: Compressor, encoded: object) -> Encoded:
    """Refuse what is no payload with parameters that fit into a recipe."""
    if not isinstance(encoded, Encoded) or not isinstance(encoded.payload, bytes):
        raise PluginFailed(
            f"{plugin.method} returned {type(encoded).__name__}; expected an Encoded with bytes as its payload; "
            "report it to the plugin's authors"
        )
    try:
        json.dumps(dict(encoded.parameters))
    except (TypeError, ValueError) as error:
        raise PluginFailed(
            f"{plugin.method} returned parameters that are no JSON object ({error}); report it to the plugin's authors"
        ) from error
    return encoded


def _check_count(plugin: Compressor, encoded: Sequence[Encoded], runs: Sequence[Run]) -> None:
    if len(encoded) != len(runs):
        raise PluginFailed(
            f"{plugin.method} gave {len(encoded)} payloads for {len(runs)} chunks; report it to its authors"
        )
