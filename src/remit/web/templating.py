"""Templates: everything is escaped, a name that is missing is a fault, and values look the same everywhere."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from remit.core import short_id
from remit.gateway import upstream_kind
from remit.journal import USUAL_PRIORITY
from remit.web.assets import Assets
from remit.web.states import level_look, look
from remit.web.words import duration, schema_words, value_words

_STEPS = ((60, "s", 1), (3_600, "min", 60), (172_800, "h", 3_600), (8_640_000, "d", 86_400))
_MONTHS = 2_592_000


def build_environment(assets: Assets, now: Callable[[], int]) -> Environment:
    """Returns the environment all pages are rendered in; `now` tells the time in microseconds."""
    environment = Environment(
        loader=PackageLoader("remit.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )

    def ago(moment: str) -> str:
        return _ago(moment, now())

    def when(moment: str) -> Markup:
        return _when(moment, now())

    environment.filters.update(
        ago=ago,
        when=when,
        short=short_id,
        duration=duration,
        value_words=value_words,
        schema_words=schema_words,
        number=_number,
        percent=_percent,
        sentence=_sentence,
        upstream_kind=upstream_kind,
        md=Markdown(),
        json=_json,
    )
    known: dict[str, Any] = {"asset": assets.url, "look": look, "level_look": level_look, "here_with": _here_with}
    known |= {"usual_priority": USUAL_PRIORITY}
    cast("dict[str, Any]", environment.globals).update(known)
    return environment


class Markdown:
    """Markdown as somebody else wrote it: no HTML, no pictures, and links that vouch for nothing."""

    def __init__(self) -> None:
        self._parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
        self._parser.add_render_rule("link_open", _link_open)

    def __call__(self, text: str) -> Markup:
        """Returns the text as HTML."""
        return Markup(self._parser.render(text))  # noqa: S704 - the parser escapes what is not its own


def _link_open(renderer: Any, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    tokens[index].attrSet("rel", "nofollow noopener noreferrer")
    return renderer.renderToken(tokens, index, options, env)


def _ago(moment: str, now: int) -> str:
    """Returns how long ago or ahead a moment is, in words."""
    if not moment:
        return ""
    seconds = now / 1_000_000 - datetime.fromisoformat(moment).timestamp()
    span = abs(seconds)
    if span < 1:
        return "now"
    for below, unit, length in _STEPS:
        if span < below:
            told = f"{int(span // length)} {unit}"
            break
    else:
        told = f"{int(span // _MONTHS)} months"
    return f"{told} ago" if seconds > 0 else f"in {told}"


def _when(moment: str, now: int) -> Markup:
    """Returns a moment as an element: in words, with the exact time in its title."""
    if not moment:
        return Markup("")
    at = datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment, at, _ago(moment, now))


@pass_context
def _here_with(context: Context, changes: Mapping[str, str]) -> str:
    """Returns this page's address with other parameters; an empty one is left out."""
    asked, path = {**context["request"].query_params, **changes}, str(context["here"]).partition("?")[0]
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{path}?{query}" if query else path


def _number(value: float | None, digits: int = 0) -> str:
    """Returns a number with thousands apart; nothing for none."""
    return "" if value is None else f"{value:,.{digits}f}"


def _percent(share: float | None, digits: int = 1) -> str:
    """Returns a share of one as percent; nothing for none."""
    return "" if share is None else f"{share * 100:.{digits}f} %"


def _sentence(text: str) -> Markup:
    """Returns text as a sentence: a word that begins it is capital, a name such as `agent:desk` stays, `code` is marked."""
    first = text.partition(" ")[0].rstrip(",;")
    told = text[:1].upper() + text[1:] if first.isalpha() else text
    told = told if told.endswith((".", "?", "!")) else f"{told}."
    parts = enumerate(told.split("`"))
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in parts)


def _json(value: Any) -> str:
    """Returns a value as indented JSON, to be escaped like any text."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
