"""Read a JSON Schema as the parts of a form; what has no field of its own is asked as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from threadhub.kernel import schemas

LEVELS = 3
FIELDS = 60
OPTIONS = 200
REFERENCES = 10
LONG_TEXT = 200

SCALARS = {"string": "text", "integer": "integer", "number": "number"}
INPUT_TYPES = {"date": "date", "email": "email", "uri": "url"}
# What `default` is where the schema names none; null is a default too.
NONE = object()

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One field, or a group of them.

    Kinds: text, long, integer, number, boolean, choice, list, message, json, group.
    """

    kind: str
    path: tuple[str, ...] = ()
    label: str = ""
    hint: str = ""
    is_required: bool = False
    is_nullable: bool = False
    default: Any = NONE
    # The values of a choice; the kind of a list's items.
    options: tuple[Any, ...] = ()
    items: str = ""
    input_type: str = "text"
    max_length: int | None = None
    parts: tuple[Part, ...] = field(default=())


def read(schema: object) -> Part | None:
    """Return the form's outermost part; None where only JSON can be asked for."""
    if not isinstance(schema, dict) or not schemas.is_bounded(schema):
        return None
    found = _Reader(schema).part(schema, ())
    is_form = found.kind not in {"json", "group"} or bool(found.parts)
    return found if is_form else None


class _Reader:
    """Knows the root, to which references lead, and how many fields there are so far."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._fields = 0

    def part(self, given: Any, path: tuple[str, ...]) -> Part:
        """Return the part for a schema at a place."""
        schema, is_nullable = self._plain(given)
        self._fields += 1
        said = Part(
            kind="json",
            path=path,
            label=_label(schema, path),
            hint=_text(schema.get("description")),
            is_nullable=is_nullable,
            default=schema.get("default", NONE),
        )
        return self._shaped(schema, said)

    def _plain(self, given: Any) -> tuple[Schema, bool]:
        """Return the schema without references and without the alternative null."""
        schema: Schema = given if isinstance(given, dict) else {}
        is_nullable = False
        for _ in range(REFERENCES):
            name = schema.get("$ref")
            options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
            if isinstance(name, str):
                # The title of a type is for programmers; the field's name says what it is here.
                inner = {**self._referred(name)}
                inner.pop("title", None)
            elif isinstance(options, list) and len(rest := _without_null(options)) == 1:
                is_nullable |= len(rest) < len(options)
                inner = rest[0] if isinstance(rest[0], dict) else {}
            else:
                break
            outer = {
                key: schema[key] for key in ("title", "description", "default") if key in schema
            }
            schema = {**inner, **outer}
        if isinstance(kinds := schema.get("type"), list):
            is_nullable |= "null" in kinds
            rest = [kind for kind in kinds if kind != "null"]
            schema = {**schema, "type": rest[0] if len(rest) == 1 else None}
        return schema, is_nullable

    def _referred(self, name: str) -> Schema:
        found: Any = self._root
        for step in name.removeprefix("#/").split("/") if name.startswith("#/") else [""]:
            found = found.get(step) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def _shaped(self, schema: Schema, said: Part) -> Part:
        options = _options(schema)
        if options:
            return replace(said, kind="choice", options=options)
        kind = schema.get("type")
        if kind == "object":
            return self._group(schema, said)
        if kind == "array":
            return self._list(schema, said)
        if kind == "boolean":
            return replace(said, kind="boolean")
        if kind == "string":
            return _string(schema, said)
        return replace(said, kind=SCALARS[kind]) if kind in SCALARS else said

    def _group(self, schema: Schema, said: Part) -> Part:
        properties = schema.get("properties")
        is_deep = len(said.path) >= LEVELS or self._fields + len(properties or ()) > FIELDS
        if not isinstance(properties, dict) or not properties or is_deep:
            return said
        needed = schema.get("required")
        needed = needed if isinstance(needed, list) else []
        parts = [
            replace(self.part(inner, (*said.path, name)), is_required=name in needed)
            for name, inner in properties.items()
        ]
        return replace(said, kind="group", parts=tuple(parts))

    def _list(self, schema: Schema, said: Part) -> Part:
        items = schema.get("items")
        if said.path[-1:] == ("messages",) and _holds_messages(items):
            return replace(said, kind="message")
        inner, is_nullable = self._plain(items)
        if is_nullable or _options(inner) or inner.get("type") not in SCALARS:
            return said
        return replace(said, kind="list", items=SCALARS[inner["type"]])


def _without_null(options: list[Any]) -> list[Any]:
    return [option for option in options if option != {"type": "null"}]


def _options(schema: Schema) -> tuple[Any, ...]:
    """Return what there is to choose from, if it is little enough and simple."""
    found = [schema["const"]] if "const" in schema else schema.get("enum")
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if found is None and isinstance(alternatives, list):
        constants = [item for item in alternatives if isinstance(item, dict) and "const" in item]
        found = [item["const"] for item in constants] if constants == alternatives else None
    if not isinstance(found, list) or not 0 < len(found) <= OPTIONS:
        return ()
    if any(not isinstance(value, str | int | float) for value in found):
        return ()
    return tuple(found)


def _string(schema: Schema, said: Part) -> Part:
    limit = schema.get("maxLength")
    longest = limit if isinstance(limit, int) and not isinstance(limit, bool) else None
    is_long = (longest or 0) > LONG_TEXT or "\n" in _text(schema.get("default"))
    kind = "long" if is_long or schema.get("format") in {"multiline", "textarea"} else "text"
    input_type = INPUT_TYPES.get(_text(schema.get("format")), "text")
    return replace(said, kind=kind, max_length=longest, input_type=input_type)


def _holds_messages(items: Any) -> bool:
    """Say so of LangChain's messages: a person writes one as plain text."""
    options = (items.get("oneOf") or items.get("anyOf")) if isinstance(items, dict) else None
    named = [option.get("$ref") for option in options or () if isinstance(option, dict)]
    return any(str(name).endswith("/HumanMessage") for name in named)


def _label(schema: Schema, path: tuple[str, ...]) -> str:
    """Return the title; names, and titles that Pydantic made of names, in sentence case."""
    name = path[-1] if path else ""
    plain = name.replace("_", " ").replace("-", " ").strip()
    title = _text(schema.get("title"))
    is_made = not title or title.lower() == plain.lower()
    return plain[:1].upper() + plain[1:] if is_made else title


def _text(value: object) -> str:
    return value[:500] if isinstance(value, str) else ""
