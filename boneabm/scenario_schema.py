"""JSON schema of scenario files for editors: as files are written, with every name that a run knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from boneabm.endocrine.drugs import drug_table
from boneabm.parameters import ParameterSet

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class WrittenSchema(GenerateJsonSchema):
    """JSON schema of files: defaults with units; keys that may be left out are left out, as TOML knows no null."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Default of a key, written by the key's own serializer; none for keys that have no value by default."""
        written = super().default_schema(schema)
        writer = schema["schema"].get("serialization", {}).get("function")
        if writer is not None and "default" in written:
            written["default"] = writer(schema["default"])
        if "default" in written:
            written["default"] = _given(written["default"])
        if written.get("default") in (None, {}):
            written.pop("default", None)
        return written

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """The value itself: a key without value is not written."""
        return self.generate_inner(schema["schema"])


def known_drugs(schema: dict[str, Any]) -> None:
    """Add the names of all drugs to the schema of a key."""
    schema["enum"] = sorted(drug_table())


def known_parameters(schema: dict[str, Any]) -> None:
    """Describe [parameters]: every number with its unit, range and value, by dotted name or in a table per section."""
    sections: dict[str, Any] = {}
    dotted: dict[str, Any] = {}
    for row in ParameterSet.load().rows():
        one = _number(row)
        dotted[f"{row['section']}.{row['name']}"] = one
        empty = {"type": "object", "properties": {}, "additionalProperties": False}
        section = sections.setdefault(row["section"], empty)
        section["properties"][row["name"]] = one
    schema.update(properties=sections | dotted, additionalProperties=False)


def _number(row: Mapping[str, Any]) -> dict[str, Any]:
    told = f"{row['unit']}; {row['source']}" if row["unit"] else row["source"]
    return {
        "type": "number", "minimum": row["low"], "maximum": row["high"], "default": row["value"], "description": told,
    }  # fmt: skip


def _given(default: Any) -> Any:
    """A default without the keys that have no value."""
    return {k: v for k, v in default.items() if v is not None} if isinstance(default, Mapping) else default
