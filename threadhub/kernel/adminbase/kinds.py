"""What models are called on pages; their own names are for the database."""

from __future__ import annotations

from django.utils.translation import pgettext_lazy

_WORDS = {
    "apikey": pgettext_lazy("kind", "API key"),
    "association": pgettext_lazy("kind", "member"),
    "dependency": pgettext_lazy("kind", "dependency"),
    "globalgrant": pgettext_lazy("kind", "grant everywhere"),
    "graph": pgettext_lazy("kind", "graph"),
    "group": pgettext_lazy("kind", "group"),
    "interrupt": pgettext_lazy("kind", "question"),
    "operation": pgettext_lazy("kind", "operation"),
    "plan": pgettext_lazy("kind", "plan"),
    "profile": pgettext_lazy("kind", "profile"),
    "role": pgettext_lazy("kind", "role"),
    "rolegrant": pgettext_lazy("kind", "grant"),
    "run": pgettext_lazy("kind", "run"),
    "session": pgettext_lazy("kind", "session"),
    "thread": pgettext_lazy("kind", "thread"),
    "user": pgettext_lazy("kind", "user"),
}


def word(model_name: str) -> str:
    """Return what people call a model, or its name where they never meet it."""
    return str(_WORDS.get(model_name, model_name))
