"""What a server says of its tools now, against what was locked: a tool that has changed is in quarantine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from remit.contracts import Offer, Tool
from remit.core import iso


@dataclass(slots=True)
class Pins:
    """The definitions a server gave when it was last looked at."""

    _digests: Mapping[str, str] = field(default_factory=dict[str, str])
    _refused: Mapping[str, str] = field(default_factory=dict[str, str])
    _since: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    """Tool → the definition it has now, and since when it was seen to have it."""

    def saw(self, offer: Offer, at: int) -> None:
        """Takes over what the server offers at the moment `at`."""
        before = self._since
        self._digests = {name: tool.digest for name, tool in offer.tools.items()}
        self._refused = dict(offer.refused)
        self._since = {}
        for name in {*before, *self._digests, *self._refused}:
            digest = self._digests.get(name, "")
            was = before.get(name)
            self._since[name] = was if was and was[0] == digest else (digest, at)

    def why_not(self, tool: Tool) -> str:
        """Returns why a tool is in quarantine, or nothing."""
        name = tool.name.partition("__")[2]
        if tool.pinned and self._digests.get(name) == tool.pinned:
            return ""
        since = f", seen since {iso(self._since[name][1])}" if name in self._since else ""
        if name in self._refused:
            return f"its server defines it in a way that cannot be taken{since}: {self._refused[name]}"
        if name not in self._digests:
            return f"its server does not offer it any more{since}"
        return f"its definition differs from the pinned one{since}"
