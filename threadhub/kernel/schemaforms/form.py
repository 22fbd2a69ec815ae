"""A form as it is shown, filled in, checked, and changed into JSON and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, ngettext

from threadhub.kernel import schemas
from threadhub.kernel.models import clean_text

from . import reading, values
from .values import ABSENT

if TYPE_CHECKING:
    from .reading import Part

RADIOS = 4
DECISIONS = 3


@dataclass(slots=True)
class Bound:
    """A part with what stands in its control, and what is wrong with that."""

    part: Part
    name: str
    text: str = ""
    errors: list[str] = field(default_factory=list)
    children: list[Bound] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Return the id of the control."""
        return f"id_{self.name}"

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """Return value, words and whether it is chosen, of everything there is to choose."""
        if self.part.kind == "boolean":
            pairs = [("true", gettext("Yes")), ("false", gettext("No"))]
        else:
            pairs = [(values.option(value), _words(value)) for value in self.part.options]
        return [(value, words, value == self.text) for value, words in pairs]

    @property
    def is_radios(self) -> bool:
        """Say whether all there is to choose is in sight at once."""
        few = self.part.kind == "choice" and len(self.part.options) <= RADIOS
        return few or self.part.kind == "boolean"

    @property
    def described_by(self) -> str:
        """Return the ids of what explains the control."""
        hint = f"{self.id}_hint" if self.part.hint or self.extra_hint else ""
        error = f"{self.id}_error" if self.errors else ""
        return f"{hint} {error}".strip()

    @property
    def extra_hint(self) -> str:
        """Return what the kind of the field asks for, empty where it is plain."""
        words = {"list": gettext("One per line."), "json": gettext("JSON.")}
        return words.get(self.part.kind, "")

    def walk(self) -> Iterator[Bound]:
        """Yield this field, or those of the group."""
        if self.part.kind == "group":
            for child in self.children:
                yield from child.walk()
        else:
            yield self


class SchemaForm:
    """One value that a person enters: by fields, or as JSON."""

    def __init__(
        self,
        schema: Any,
        data: Mapping[str, Any] | None,
        *,
        prefix: str,
        initial: Any,
        is_loose: bool,
    ) -> None:
        self.schema = schema if isinstance(schema, dict) else {}
        self.prefix = prefix
        self.is_loose = is_loose
        root = reading.read(self.schema)
        self.root = self._bind(root) if root else None
        self.raw = ""
        self.problems: list[str] = []
        self.raw_errors: list[str] = []
        wants_raw = data is not None and data.get(self.mode_name) == "json"
        self.is_raw = self.root is None or wants_raw
        if data is None:
            self._fill(initial)
        else:
            self._take(data)

    @property
    def mode_name(self) -> str:
        """Return the name of the control that says how the value is entered."""
        return f"{self.prefix}mode"

    @property
    def switch_name(self) -> str:
        """Return the name of the button that asks for the other way."""
        return f"{self.prefix}switch"

    @property
    def raw_name(self) -> str:
        """Return the name of the control for JSON."""
        return f"{self.prefix}json"

    @property
    def parts(self) -> list[Bound]:
        """Return what the form shows, in order."""
        if self.root is None:
            return []
        return self.root.children if self.root.part.kind == "group" else [self.root]

    @property
    def decision(self) -> Bound | None:
        """Return the field that the buttons answer: the only one that must be filled in."""
        needed = [part for part in self.parts if part.part.is_required or part is self.root]
        if self.is_raw or self.is_loose or len(needed) != 1:
            return None
        found = needed[0]
        is_few = found.part.kind == "choice" and 1 < len(found.part.options) <= DECISIONS
        return found if is_few or found.part.kind == "boolean" else None

    @property
    def shown(self) -> list[Bound]:
        """Return the fields beside the buttons."""
        return [part for part in self.parts if part is not self.decision]

    @property
    def schema_text(self) -> str:
        """Return the schema, for those who write JSON."""
        return values.as_text(self.schema) if self.schema else ""

    @property
    def summary(self) -> list[tuple[str, str, str]]:
        """Return label, id of the control and sentence of everything that is wrong."""
        found = [("", "", text) for text in self.problems]
        found += [(gettext("JSON"), f"id_{self.raw_name}", text) for text in self.raw_errors]
        wrong = [bound for bound in self._fields() if bound.errors and not self.is_raw]
        return found + [(bound.part.label, bound.id, bound.errors[0]) for bound in wrong]

    @property
    def typed(self) -> str:
        """Return everything that was entered, to keep where no form is shown."""
        return self.raw if self.is_raw else values.as_text(self._draft(self.root))

    def value(self) -> Any:
        """Return what was entered, as JSON. Ask `is_valid` first."""
        return values.parse_json(self.raw) if self.is_raw else self._of(self.root)

    def is_valid(self) -> bool:
        """Read and check what was entered; what is wrong stands at its field afterwards."""
        try:
            entered = self.value()
        except values.Unreadable as error:
            self.raw_errors.append(str(error))
            return False
        if entered is ABSENT:
            self.problems.append(gettext("Nothing was entered."))
        elif not (self.is_raw and self.is_loose):
            for violation in schemas.violations(self._checked_by(), entered):
                self.add_error(violation.path, _sentence(violation))
        return not self.summary

    def add_error(self, path: Sequence[str | int], text: str) -> None:
        """Put a sentence at the field of a place, or above all where no field is."""
        if self.is_raw:
            place = ".".join(map(str, path))
            self.raw_errors.append(f"{place}: {text}" if place else text)
            return
        bound = self._at(path)
        if bound is None:
            self.problems.append(text)
        elif not bound.errors:
            bound.errors.append(text)

    def switch(self) -> None:
        """Show what was entered the other way; where that would lose something, say so."""
        if not self.is_raw:
            self.raw, self.is_raw = self.typed, True
            self._forget()
            return
        try:
            entered = values.parse_json(self.raw)
            self._fill(entered)
            if not _covers(self._of(self.root), entered):
                raise values.Unshowable
            self.is_raw = False
        except values.Unreadable as error:
            self.raw_errors.append(str(error))
        except values.Unshowable:
            self.raw_errors.append(gettext("The form has no field for a part of this JSON."))
        if not self.is_raw:
            self._forget()

    def _fields(self) -> Iterator[Bound]:
        return self.root.walk() if self.root else iter(())

    def _forget(self) -> None:
        self.problems.clear()
        self.raw_errors.clear()
        for bound in self._fields():
            bound.errors.clear()

    def _bind(self, part: Part) -> Bound:
        name = f"{self.prefix}{'.'.join(('value', *part.path))}"
        bound = Bound(part, name)
        bound.children = [self._bind(inner) for inner in part.parts]
        return bound

    def _take(self, data: Mapping[str, Any]) -> None:
        self.raw = clean_text(str(data.get(self.raw_name, "")))
        for bound in self._fields():
            typed = clean_text(str(data.get(bound.name, "")))
            bound.text = typed.replace("\r\n", "\n")

    def _fill(self, given: Any) -> None:
        """Show a value, or the defaults. Raises Unshowable."""
        if self.root is not None:
            self._fill_part(self.root, given)
        if given is not None:
            self.raw = values.as_text(given)

    def _fill_part(self, bound: Bound, given: Any) -> None:
        part = bound.part
        if part.kind == "group":
            if given is not None and not isinstance(given, dict):
                raise values.Unshowable
            for child in bound.children:
                inner = (given or {}).get(child.part.path[-1])
                self._fill_part(child, inner)
            return
        default = None if part.default is reading.NONE else part.default
        try:
            bound.text = values.show(part, default if given is None else given)
        except values.Unshowable:
            if given is not None:
                raise
            bound.text = ""

    def _of(self, bound: Bound | None) -> Any:
        """Return the value of a part, with what is wrong noted at its fields."""
        if bound is None:
            return ABSENT
        if bound.part.kind != "group":
            return self._of_field(bound)
        found = {child.part.path[-1]: self._of(child) for child in bound.children}
        given = {name: value for name, value in found.items() if value is not ABSENT}
        is_open = not given and bound is not self.root and not bound.part.is_required
        if is_open:
            return ABSENT
        if not self.is_loose or bound is not self.root:
            self._note_missing(bound, given)
        return given

    def _of_field(self, bound: Bound) -> Any:
        try:
            found = values.parse(bound.part, bound.text)
        except values.Unreadable as error:
            bound.errors[:] = [str(error)]
            return ABSENT
        is_cleared = found is ABSENT and bound.part.default not in (reading.NONE, None, "", [])
        if is_cleared and bound.part.is_nullable:
            return None
        return "" if is_cleared and bound.part.kind in {"text", "long"} else found

    def _note_missing(self, group: Bound, given: dict[str, Any]) -> None:
        for child in group.children:
            is_missing = child.part.is_required and child.part.path[-1] not in given
            if is_missing and child.part.is_nullable:
                given[child.part.path[-1]] = None
            elif is_missing and not child.errors:
                child.errors.append(gettext("This is needed."))

    def _draft(self, bound: Bound | None) -> Any:
        """Return what was typed so far; what is no value yet stays as text."""
        if bound is None:
            return {}
        if bound.part.kind == "group":
            found = {child.part.path[-1]: self._draft(child) for child in bound.children}
            given = {name: value for name, value in found.items() if value is not None}
            return given if given or bound is self.root else None
        try:
            value = values.parse(bound.part, bound.text)
        except values.Unreadable:
            return bound.text
        return None if value is ABSENT else value

    def _at(self, path: Sequence[str | int]) -> Bound | None:
        """Return the field at a place, or the one that holds the place."""
        whole = [bound for bound in self._fields() if bound.part.path == tuple(path)]
        around = [
            bound
            for bound in self._fields()
            if bound.part.path == tuple(path)[: len(bound.part.path)]
        ]
        return next(iter(whole or around), None)

    def _checked_by(self) -> Mapping[str, Any]:
        # What a graph's input lacks may be in the thread already.
        return {**self.schema, "required": []} if self.is_loose else self.schema


def form_for(
    schema: Any,
    data: Mapping[str, Any] | None = None,
    prefix: str = "",
    *,
    initial: Any = None,
    is_loose: bool = False,
) -> SchemaForm:
    """Return the form of a schema, filled with what a person sent or with `initial`.

    A loose one leaves the last word to the graph: nothing is needed, and JSON is not checked.
    """
    return SchemaForm(schema, data, prefix=prefix, initial=initial, is_loose=is_loose)


def _covers(shown: Any, entered: Any) -> bool:
    """Say whether nothing of what was entered is lost; defaults may come in addition."""
    if isinstance(shown, dict) and isinstance(entered, dict):
        return all(name in shown and _covers(shown[name], entered[name]) for name in entered)
    return bool(shown == entered)


def _words(value: Any) -> str:
    """Return an option to read: names of programs' values in sentence case."""
    text = values.option(value)
    if isinstance(value, str) and text.islower() and text.replace("_", "").isalnum():
        return text[:1].upper() + text[1:].replace("_", " ")
    return text


def _sentence(violation: schemas.Violation) -> str:
    """Return what is wrong in the words of the page; the checker's own for rare rules."""
    limit = violation.limit
    if violation.rule == "required":
        return gettext("This is needed.")
    if violation.rule == "enum":
        return gettext("Choose one of the given values.")
    if violation.rule in {"minimum", "maximum"}:
        words = (
            gettext("Enter at least %s.")
            if violation.rule == "minimum"
            else gettext("Enter at most %s.")
        )
        return str(words % limit)
    if violation.rule == "maxLength":
        words = ngettext("Use at most %d character.", "Use at most %d characters.", limit)
        return str(words % limit)
    if violation.rule == "minLength":
        words = ngettext("Use at least %d character.", "Use at least %d characters.", limit)
        return str(words % limit)
    return f"{violation.text}."
