"""What views are made of: frozen, typed, the same for console, REST and `--json`.

Times are RFC 3339 text in UTC, money is text such as `0.40 EUR`; an empty text means that there is none.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from remit.audit import Log
from remit.contracts import FieldType, Fleet, field_types
from remit.core import NotFoundError, format_micros, iso
from remit.gateway import Parts
from remit.kpis import Kpis
from remit.operations.actors import Actor
from remit.operations.permissions import Permission
from remit.store import Database

PAGE_SIZE = 50
MOST_ROWS = 1_000
# The last moment of the year 9999; what is later means never.
LATEST = 253_402_300_799_000_000
NOT_SHOWN = "not shown to your role"
"""Stands for words that may be taken from content."""


class Shown(BaseModel):
    """Something people or programs see."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describes each field by the text below it.

        Pydantic would read these texts when the class is made, from the source, for an eighth of a second at each start.
        """
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in _texts_below(cls):
            properties.get(cls.model_fields[name].serialization_alias or name, {}).setdefault("description", text)
        return schema


def _texts_below(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yields the fields of a model and its parents that have a text below them, with it."""
    made_of = [model.__pydantic_generic_metadata__["origin"] or model, *model.__mro__[1:]]
    for each in made_of:
        if not issubclass(each, Shown) or each.__pydantic_generic_metadata__["args"]:
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        for field, below in pairwise(definition.body if isinstance(definition, ast.ClassDef) else ()):
            text = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else None
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, str):
                yield field.target.id, inspect.cleandoc(text)


Row = TypeVar("Row", bound=Shown)


class Page(Shown, Generic[Row]):
    """Some rows of a listing, and how to get the next ones."""

    rows: tuple[Row, ...]
    next: str = ""
    """Give it as `after` for the following rows; empty at the end."""
    counts: Mapping[str, Mapping[str, int]] = {}
    """For each filter, how many rows there are of each of its values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where views read, and for whom."""

    parts: Parts
    log: Log
    fleet: Fleet
    database: Database
    kpis: Kpis
    actor: Actor

    def money(self, micros: int) -> str:
        """Returns an amount in the cell's currency."""
        return format_micros(micros, self.parts.settings.currency)

    def shows_content(self, agent: str, version: str) -> bool:
        """Whether what this agent version was told and said is shown; its owner sees it, who may be asked about it."""
        known = self.parts.registry.glance(agent, version)
        # A token does what it was made for, and none can be made for this.
        if known and known.owner == self.actor.id and self.actor.face != "api":
            return True
        return self.actor.may(Permission.FLEET_CONTENT_READ, known.unit if known else "")

    def shows_intent(self, agent: str) -> bool:
        """Whether what this agent's tasks are for is shown: where that is taken from a text of the input, like content."""
        contract = self.fleet.contracts.get(agent)
        if contract and not contract.terms.intent:
            return True
        if (
            contract
            and field_types(contract.terms.input).get(contract.terms.intent, FieldType("opaque")).kind == "enum"
        ):
            return True
        return self.shows_content_of(agent)

    def shows_content_of(self, agent: str) -> bool:
        """Whether content of every version of an agent is shown: for listings, which do not look at each run."""
        permission = Permission.FLEET_CONTENT_READ
        if not self.actor.units:
            return self.actor.may(permission)
        versions = self.parts.registry.versions(agent)
        return bool(versions) and all(self.actor.may(permission, version.unit) for version in versions)

    def currencies(self, tool: str, arguments: Any) -> dict[str, str]:
        """Returns the fields of a call that are money, each with its currency, as far as the tool declares them."""
        known = self.fleet.tools.get(tool)
        if known is None or known.amount is None or not isinstance(arguments, Mapping):
            return {}
        given = cast("Mapping[str, Any]", arguments)
        is_field = known.amount.currency in known.input.get("properties", {})
        currency = given.get(known.amount.currency) if is_field else known.amount.currency
        return {known.amount.field: str(currency)} if currency and known.amount.field in given else {}

    def unit(self, agent: str, version: str) -> str:
        """Returns the business unit of an agent version; empty when nobody knows it."""
        known = self.parts.registry.glance(agent, version)
        return known.unit if known else ""

    def content(self, digest: str | None) -> Any:
        """Returns content by its digest: None when there is none, `erased` when it is gone."""
        if not digest:
            return None
        try:
            return self.parts.journal.content(digest)
        except NotFoundError:
            return "erased"


class Viewing:
    """Views of one kind, for one actor."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._parts = source.parts

    @property
    def actor(self) -> Actor:
        """For whom."""
        return self._source.actor


def moment(at: int | None) -> str:
    """Returns a time as text, or nothing."""
    return iso(at) if at else ""


def page_of(
    rows: Sequence[Row], limit: int, key: str, counts: Mapping[str, Mapping[str, int]] | None = None
) -> Page[Row]:
    """Makes a page of rows that were read one more than `limit`, so that it is known whether others follow."""
    shown = tuple(rows[:limit])
    more = str(getattr(shown[-1], key)) if len(rows) > limit and shown else ""
    return Page(rows=shown, next=more, counts=counts or {})
