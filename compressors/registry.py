"""Finding compressor plugins: entry points of installed distributions, each loaded when first needed."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points

from panini_daemon.compressors.errors import PluginNotLoadable, UnknownMethod
from panini_daemon.compressors.protocol import Compressor, Context, Offer, Surroundings

GROUP = "panini_daemon.compressors"
_OWN = "panini_daemon.compressors."


class Registry:
    """The compressors there are, by method id. Holds what it has loaded; make one and pass it on."""

    def __init__(self, plugins: Iterable[Compressor] | None = None, surroundings: Surroundings | None = None) -> None:
        """Take the given plugins, or where there are none given, every installed one.

        Each is told of the `surroundings` when it is loaded.
        """
        self._surroundings = replace(surroundings or Surroundings(), registry=self)
        self._loaded: dict[str, Compressor] = {}
        self._broken: dict[str, str] = {}
        self._refused: list[str] = []
        self._entries: dict[str, EntryPoint] = {}
        if plugins is None:
            self._find()
        else:
            self._loaded = {plugin.method: plugin for plugin in plugins}
            for plugin in self._loaded.values():
                plugin.attach(self._surroundings)

    def names(self) -> list[str]:
        """List every method id, sorted, loaded or not."""
        return sorted({*self._entries, *self._loaded})

    def problems(self) -> list[str]:
        """List what is wrong with installed plugins, one sentence each, as far as they were looked at."""
        return [*self._refused, *(self._broken[method] for method in sorted(self._broken))]

    def get(self, method: str) -> Compressor:
        """Load one compressor. Raises UnknownMethod and PluginNotLoadable."""
        plugin = self._loaded.get(method)
        if plugin is not None:
            return plugin
        if method in self._broken:
            raise PluginNotLoadable(self._broken[method])
        entry = self._entries.get(method)
        if entry is None:
            raise UnknownMethod(
                f"there is no compressor {method!r}; expected one of {', '.join(self.names())}; "
                "install the plugin that has it"
            )
        try:
            plugin = _load(entry, self._surroundings)
        except PluginNotLoadable as error:
            self._broken[method] = str(error)
            raise
        self._loaded[method] = plugin
        return plugin

    def family(self, name: str) -> list[Compressor]:
        """Load the compressors of one family, sorted by method. Raises UnknownMethod where there is none."""
        members = [plugin for plugin in self._load_all() if plugin.family == name]
        if not members:
            families = sorted({plugin.family for plugin in self._load_all()})
            raise UnknownMethod(
                f"there is no compressor and no family {name!r}; expected auto, a family ({', '.join(families)}) "
                f"or a method ({', '.join(self.names())})"
            )
        return members

    def resolve(self, request: str) -> list[Compressor]:
        """Turn a method id or a family's name into compressors.

        Raises UnknownMethod and PluginNotLoadable.
        """
        return [self.get(request)] if request in self.names() else self.family(request)

    def candidates(self, context: Context) -> list[tuple[Compressor, Offer]]:
        """List who offers to compress such bytes, greatest saving first, ties by time, then by name.

        A plugin whose `offer` raises is left out and named in `problems`.
        """
        offers: list[tuple[Compressor, Offer]] = []
        for plugin in self._load_all():
            try:
                offer = plugin.offer(context)
            except Exception as error:  # noqa: BLE001  a third-party plugin may raise anything
                self._broken[plugin.method] = f"compressor {plugin.method!r}: offer failed: {error!r}"
                continue
            if offer is not None:
                offers.append((plugin, offer))
        return sorted(offers, key=lambda one: (-one[1].saving, one[1].seconds, one[0].method))

    def _load_all(self) -> list[Compressor]:
        plugins: list[Compressor] = []
        for method in self.names():
            try:
                plugins.append(self.get(method))
            except PluginNotLoadable:  # kept in self._broken, which `problems` lists
                continue
        return plugins

    def _find(self) -> None:
        found = sorted(entry_points(group=GROUP), key=lambda entry: (not _is_own(entry), entry.name, entry.value))
        for entry in found:
            known = self._entries.setdefault(entry.name, entry)
            if known.value != entry.value:
                self._refused.append(
                    f"compressor {entry.name!r} of {entry.value} is left out: {known.value} has that name; "
                    "a method id never changes its meaning, give the plugin another"
                )


def _is_own(entry: EntryPoint) -> bool:
    return entry.value.startswith(_OWN)


def _load(entry: EntryPoint, surroundings: Surroundings) -> Compressor:
    try:
        factory: Callable[[], object] = entry.load()
        plugin = factory()
    except Exception as error:
        raise PluginNotLoadable(
            f"compressor {entry.name!r} ({entry.value}) does not load: {error!r}; reinstall it or what it depends on"
        ) from error
    if not isinstance(plugin, Compressor) or plugin.method != entry.name:
        found = getattr(plugin, "method", type(plugin).__name__)
        raise PluginNotLoadable(
            f"compressor {entry.name!r} ({entry.value}) is {found!r}; expected a Compressor whose method is the "
            "entry point's name"
        )
    plugin.attach(surroundings)
    return plugin
