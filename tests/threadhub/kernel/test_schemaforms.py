"""Forms from JSON Schemas: what is asked how, what comes out, and what is told of mistakes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from django.template.loader import render_to_string
from pydantic import BaseModel, Field

from threadhub.kernel.schemaforms import SchemaForm, form_for


class Address(BaseModel):
    street: str
    number: int | None = None


class Order(BaseModel):
    name: Annotated[str, Field(min_length=2, description="Who it is for.")]
    notes: str = Field(default="", max_length=1000)
    count: int = Field(ge=1, le=9)
    price: float | None = None
    is_gift: bool = False
    size: Literal["small", "large"] = "small"
    tags: list[str] = []
    extra: dict[str, int] = {}
    address: Address | None = None


class Decision(BaseModel):
    action: Literal["approve", "reject"]
    reason: str = ""


ORDER = Order.model_json_schema()


def sent(schema: Any, **typed: str) -> SchemaForm:
    data = {"mode": "form", **{f"value.{name}": text for name, text in typed.items()}}
    return form_for(schema, {name.replace("__", "."): text for name, text in data.items()})


def kinds(schema: Any) -> dict[str, str]:
    return {".".join(part.part.path): part.part.kind for part in form_for(schema).root.walk()}  # type: ignore[union-attr]


def html(form: SchemaForm) -> str:
    return render_to_string("console/_schema_form.html", {"form": form})


class TestFields:
    def test_follow_the_types(self) -> None:
        assert kinds(ORDER) == {
            "name": "text",
            "notes": "long",
            "count": "integer",
            "price": "number",
            "is_gift": "boolean",
            "size": "choice",
            "tags": "list",
            "extra": "json",
            "address.street": "text",
            "address.number": "integer",
        }

    def test_make_the_value(self) -> None:
        form = sent(
            ORDER, name="Ana", count="2", price="1.5", is_gift="true", size="large",
            tags="red\n\n blue ", extra='{"a": 1}', address__street="High Street",
        )  # fmt: skip

        assert form.is_valid(), form.summary
        assert form.value() == {
            "name": "Ana",
            "count": 2,
            "price": 1.5,
            "is_gift": True,
            "size": "large",
            "tags": ["red", "blue"],
            "extra": {"a": 1},
            "address": {"street": "High Street"},
        }

    def test_that_are_left_open_are_left_out(self) -> None:
        form = sent(ORDER, name="Ana", count="2")

        assert form.is_valid()
        assert form.value() == {"name": "Ana", "count": 2}

    def test_begin_with_defaults(self) -> None:
        shown = {part.part.path[-1]: part.text for part in form_for(ORDER).parts}

        assert (shown["size"], shown["is_gift"], shown["count"]) == ("small", "false", "")

    def test_say_what_is_wrong_and_keep_what_was_typed(self) -> None:
        form = sent(ORDER, name="A", count="many", extra='{"a":\n 1,}', address__number="3")

        assert not form.is_valid()
        told = {label: text for label, _, text in form.summary}
        assert told["Count"] == "Enter a whole number."
        assert told["Extra"].startswith("This is no JSON: line 2, column ")
        assert told["Street"] == "This is needed."
        assert 'value="many" inputmode="numeric" aria-required="true" aria-invalid="true"' in (
            " ".join(html(form).split())
        )

    def test_are_held_to_the_limits_of_the_schema(self) -> None:
        form = sent(ORDER, name="A", count="12")

        assert not form.is_valid()
        assert {text for _, _, text in form.summary} == {
            "Use at least 2 characters.",
            "Enter at most 9.",
        }

    @pytest.mark.parametrize("text", ["NaN", "1e999", "Infinity", "1_000", "0x1"])
    def test_take_no_number_that_json_lacks(self, text: str) -> None:
        form = form_for({"type": "number"}, {"mode": "form", "value": text})

        assert not form.is_valid()

    def test_show_what_was_typed_as_text(self) -> None:
        assert "<script>" not in html(sent(ORDER, name='"><script>', count="1"))


def test_one_field_of_few_choices_is_answered_by_buttons() -> None:
    decision = form_for(Decision.model_json_schema()).decision

    assert decision is not None
    assert [words for _, words, _ in decision.options] == ["Approve", "Reject"]
    assert form_for({"type": "boolean"}).decision is not None
    assert form_for(ORDER).decision is None


def test_a_chat_is_asked_for_one_message() -> None:
    message = {"$ref": "#/$defs/HumanMessage"}
    schema = {
        "type": "object",
        "properties": {"messages": {"type": "array", "items": {"oneOf": [message]}}},
        "$defs": {"HumanMessage": {"type": "object"}},
    }
    form = sent(schema, messages="Hello")

    assert form.is_valid()
    assert form.value() == {"messages": [{"type": "human", "content": "Hello"}]}


class TestJson:
    def test_takes_over_what_was_typed_and_gives_it_back(self) -> None:
        form = sent(ORDER, name="Ana", count="2", tags="red")
        form.switch()
        back = form_for(ORDER, {"mode": "json", "json": form.raw})
        back.switch()

        assert not back.is_raw
        assert back.value()["tags"] == ["red"]

    def test_keeps_even_what_no_field_takes(self) -> None:
        form = sent(ORDER, count="many")
        form.switch()

        assert '"count": "many"' in form.raw

    def test_stays_where_the_form_would_lose_something(self) -> None:
        form = form_for(ORDER, {"mode": "json", "json": '{"name": "Ana", "unknown": 1}'})
        form.switch()

        assert form.is_raw
        assert form.raw_errors == ["The form has no field for a part of this JSON."]
        assert "unknown" in form.raw

    def test_names_line_and_column_of_a_mistake(self) -> None:
        form = form_for(ORDER, {"mode": "json", "json": '{"name":\n  oops}'})

        assert not form.is_valid()
        assert "line 2, column 3" in form.raw_errors[0]
        assert "oops" in html(form)

    def test_is_checked_by_the_schema_too(self) -> None:
        form = form_for(ORDER, {"mode": "json", "json": '{"name": "Ana", "count": 12}'})

        assert not form.is_valid()
        assert form.raw_errors == ["count: Enter at most 9."]

    @pytest.mark.parametrize("text", ["[" * 100_000, '{"a": NaN}', "1e999", "9" * 5000])
    def test_that_is_hostile_is_refused(self, text: str) -> None:
        assert not form_for(ORDER, {"mode": "json", "json": text}).is_valid()


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        {"$ref": "#"},
        {"type": "object", "properties": {}},
        {"enum": [f"option {n}" for n in range(10_000)]},
        {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"type": "array", "items": {"type": "object"}},
        ["no schema"],
    ],
)
def test_what_has_no_fields_is_asked_as_json(schema: Any) -> None:
    form = form_for(schema, {"mode": "form", "json": '{"any": "thing"}'})

    assert form.is_raw
    assert "<textarea" in html(form)


def test_a_type_that_holds_itself_ends_in_json() -> None:
    node = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}},
    }
    found = kinds({"$ref": "#/$defs/Node", "$defs": {"Node": node}})

    assert found["next.next.next"] == "json"


def test_a_loose_form_leaves_the_last_word_to_the_graph() -> None:
    form = form_for(ORDER, {"mode": "form", "value.notes": "x"}, is_loose=True)
    raw = form_for(ORDER, {"mode": "json", "json": '{"count": "many"}'}, is_loose=True)

    assert form.is_valid()
    assert raw.is_valid()
