"""Questions as cards: what is asked, who will answer, and the form for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext

from threadhub.kernel.ids import new_id
from threadhub.kernel.models import clean_text
from threadhub.kernel.observability.redaction import redact
from threadhub.kernel.schemaforms import SchemaForm, form_for
from threads_app.models import Interrupt, Thread

if TYPE_CHECKING:
    from threads_app.querysets import InterruptQuerySet

RELATED = ("thread__owner", "thread__graph", "run__graph", "answered_by", "claimed_by")
# The keys under which graphs put what they ask, first come first shown.
TEXT_KEYS = ("question", "message", "prompt", "description", "title")
# A question without a schema takes any answer; most are a text.
FREE: dict[str, Any] = {"type": "string", "maxLength": 100_000}
SHORT, LONG = 120, 20_000


@dataclass(frozen=True, slots=True)
class Detail:
    """Something told beside the question; long ones are folded."""

    label: str
    text: str
    is_long: bool


@dataclass(slots=True, kw_only=True)
class Card:
    """A question as one person finds it."""

    question: Interrupt
    is_told: bool
    may_answer: bool
    user: Any
    form: SchemaForm | None = None
    back: str = ""
    key: str = field(default_factory=lambda: str(new_id()))
    # Set when the person has to say that they mean it.
    has_to_confirm: bool = False

    @property
    def address(self) -> str:
        """Return the address of the question's page, to which its forms are sent."""
        keys = [self.question.thread_id, self.question.pk]
        return reverse("admin:threads_app_thread_question", args=keys)

    @property
    def text(self) -> str:
        """Return what is asked, in the graph's words where it has any."""
        if not self.is_told:
            return gettext("This thread waits for an answer.")
        return asked(self.question.value) or gettext("The graph asks for an answer.")

    @property
    def details(self) -> list[Detail]:
        """Return what the graph tells beside the question, secrets masked."""
        return details(self.question.value) if self.is_told else []

    @property
    def is_mine(self) -> bool:
        """Say whether the person has claimed the question."""
        return self.question.claimed_by_id is not None and not self.is_anothers

    @property
    def is_anothers(self) -> bool:
        """Say whether somebody else has claimed the question."""
        claimed_by = self.question.claimed_by_id
        return claimed_by is not None and claimed_by != self.user.pk

    @property
    def why(self) -> str:
        """Return why the person cannot answer, empty when they can."""
        if self.may_answer and self.is_told:
            return ""
        if not self.is_told:
            return gettext("You may see that this thread waits, but not what it asks.")
        return gettext("You may read this question; answering it needs the permission to run.")

    @property
    def can_be_decided(self) -> bool:
        """Say whether one click answers."""
        return self.may_answer and self.form is not None and self.form.decision is not None

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Return value and words of the buttons that answer."""
        decision = self.form.decision if self.form else None
        if decision is None:
            return []
        if decision.part.kind == "boolean" and _is_approval(decision.part.path):
            return [("true", gettext("Approve")), ("false", gettext("Reject"))]
        return [(value, words) for value, words, _ in decision.options]


def waiting(user: Any, found: InterruptQuerySet) -> InterruptQuerySet:
    """Return those of the questions that are open and the person may see; see `cards`."""
    seen = found.visible_to(user, "view", telling="read")
    return seen.open().select_related(*RELATED).defer("thread__values_preview", "run__input")


def cards(user: Any, rows: Iterable[Interrupt], *, back: str = "") -> list[Card]:
    """Return the cards of rows that `waiting` returned, without forms; 1 query."""
    rows = list(rows)
    mine = Interrupt.objects.visible_to(user, "execute").filter(pk__in=[row.pk for row in rows])
    answerable = set(mine.values_list("pk", flat=True)) if rows else set()
    return [
        Card(
            question=row,
            is_told=bool(getattr(row, "is_told", False)),
            may_answer=row.pk in answerable,
            user=user,
            back=back,
        )
        for row in rows
    ]


def of_thread(user: Any, thread: Thread, *, back: str = "") -> list[Card]:
    """Return the open questions of a thread with their forms, oldest first; 2 queries."""
    asked_there = Interrupt.objects.visible_to(user, "view").filter(thread=thread)
    found = cards(user, waiting(user, asked_there).order_by("id"), back=back)
    for card in found:
        fill(card)
    return found


def fill(card: Card, data: Mapping[str, Any] | None = None) -> SchemaForm | None:
    """Give a card the form of its answer, where the person may answer."""
    if card.may_answer and card.is_told:
        schema = card.question.response_schema
        prefix = f"q{card.question.pk}."
        if schema:
            card.form = form_for(schema, data, prefix)
        else:
            card.form = form_for({**FREE, "title": gettext("Answer")}, data, prefix, is_loose=True)
    return card.form


def asked(value: Any) -> str:
    """Return the question's own words, empty where there are none."""
    value = _single(value)
    if isinstance(value, dict):
        texts = (value.get(name) for name in TEXT_KEYS)
        value = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    return clean_text(redact(value))[:LONG] if isinstance(value, str) else ""


def details(value: Any) -> list[Detail]:
    """Return what a question's value says beside its words."""
    value = _single(value)
    if isinstance(value, str) or value in (None, {}, []):
        return []
    masked = redact(value)
    if not isinstance(masked, dict):
        return [Detail(gettext("Value"), _shown(masked), is_long=True)]
    said = asked(value)
    return [
        _detail(str(name), inner)
        for name, inner in masked.items()
        if not (name in TEXT_KEYS and inner == said)
    ]


def _single(value: Any) -> Any:
    """Return the one question of a list of one, as agents' inboxes write it."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _detail(name: str, value: Any) -> Detail:
    label = name.replace("_", " ").strip()
    text = _shown(value)
    is_long = len(text) > SHORT or "\n" in text
    return Detail(label[:1].upper() + label[1:], text, is_long)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, dict) and all(isinstance(item, str | int) for item in value.values()):
        text = ", ".join(f"{name} {item}" for name, item in value.items())
    else:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return clean_text(text)[:LONG]


def _is_approval(path: tuple[str, ...]) -> bool:
    return not path or "approv" in path[-1].lower()
