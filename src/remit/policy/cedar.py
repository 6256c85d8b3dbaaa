"""The only door to Cedar, and it always takes the schema.

Entities built without a schema have no action groups, and a question asked without one compares enums with records:
both make forbids silently not hold. Here neither can be done.
"""

# cedarpy's own annotations are partly bare `dict` and `list`.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cedarpy
import orjson
from cedarpy import AuthzResult, Schema, pst

Est = dict[str, Any]
"""A policy, or a part of one, in Cedar's JSON form."""


_POSITION = re.compile(r"^for policy `policy\d+`[,:] ")


@dataclass(frozen=True, slots=True, eq=False)
class Handles:
    """Schema, policies and entities, parsed once and for one another."""

    schema: Schema
    policies: cedarpy.PolicySet
    entities: cedarpy.Entities

    @classmethod
    def parse(cls, schema: Schema, policies: Mapping[str, Est], entities: Sequence[Est]) -> "Handles":
        """Parses policies and entities; what does not fit the schema is a ValueError."""
        return cls(
            schema,
            cedarpy.PolicySet.from_json_str(_policies_json(policies)),
            cedarpy.Entities.from_json_str(_json(entities), schema),
        )

    def with_entity(self, entity: Est) -> "Handles":
        """Returns the same with one more entity."""
        return Handles(self.schema, self.policies, self.entities.with_added_json_str(_json([entity]), self.schema))

    def ask(self, requests: list[Est]) -> list[AuthzResult]:
        """Returns Cedar's answer to each request; one it cannot read is a ValueError or no decision."""
        return cedarpy.is_authorized_batch(requests, self.policies, self.entities, self.schema)


def parse_schema(schema: Mapping[str, Any]) -> Schema:
    """Parses a schema in Cedar's JSON format."""
    return Schema.from_json_str(_json(schema))


def parse_policy(text: str) -> Est:
    """Returns the one policy in `text`, as JSON; anything else is a ValueError."""
    whole = json.loads(cedarpy.policies_to_json_str(text))
    if whole["templates"] or len(whole["staticPolicies"]) != 1:
        raise ValueError("a template is not a policy; name the principal and the resource")
    return next(iter(whole["staticPolicies"].values()))


def text_problems(text: str, schema: Schema) -> list[str]:
    """Returns what Cedar's validator, in strict mode, finds wrong with the text of one policy."""
    return [_POSITION.sub("", error.error) for error in cedarpy.validate_policies(text, schema).errors]


def policy_problems(policies: Mapping[str, Est], schema: Schema) -> list[str]:
    """Returns the same for policies by id, each problem with its id in front."""
    named = {name: {**est, "annotations": {"id": name}} for name, est in policies.items()}
    text = cedarpy.policies_from_json_str(_policies_json(named))
    result = cedarpy.validate_policies(text, schema)
    names: dict[str, str] = result.id_annotations_by_policy_id
    return [f"{names.get(error.policy_id, error.policy_id)}: {error.error}" for error in result.errors]


def entities_named(text: str) -> Iterable[tuple[str, str]]:
    """Returns the type (without namespace) and id of every entity policy text names; too deep text is a ValueError."""
    return [(uid.type.basename, uid.id) for uid in pst.entity_uids(cedarpy.policies_to_pst(text))]


def _policies_json(policies: Mapping[str, Est]) -> str:
    return _json({"templates": {}, "staticPolicies": policies, "templateLinks": []})


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
