"""Brings an installation to the state a server starts from; safe to repeat."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from threadhub.kernel import clock
from threadhub.kernel.crypto import keys
from threadhub.kernel.errors import Invalid
from threadhub.kernel.people import accounts
from threadhub.kernel.rbac import everywhere
from threadhub.ops import addresses, database
from threads_app.models import Graph
from threads_app.services import graphs

if TYPE_CHECKING:
    from threads_app.graphs.catalog import Report

PEOPLE_FILE = "people.txt"


@dataclass(frozen=True, slots=True)
class Persona:
    """A person every installation starts with."""

    username: str
    is_staff: bool = False
    is_superuser: bool = False
    # What they hold everywhere.
    role: str = ""


PEOPLE = (
    Persona("admin", is_staff=True, is_superuser=True),
    Persona("operator"),
    Persona("auditor", role="auditor"),
    Persona("stranger"),
)


def prepare(*, say: Callable[[str], None]) -> Report:
    """Bring tables, people and graphs to the state a server starts from, and tell of it."""
    if migrate():
        say("The database is up to date.")
    if people():
        say(f"People and passwords: {settings.VAR_DIR / PEOPLE_FILE}")
    return load_graphs(say=say)


def migrate() -> bool:
    """Bring the tables up to date and say whether anything was to be done.

    A key ring that cannot open what the database holds is refused before anything is changed:
    KeyMissing, WrongKey, RingInvalid, KeyFileUnreadable.
    """
    keys.check()
    is_behind = database.has_pending_migrations()
    if is_behind:
        call_command("migrate", interactive=False, verbosity=0)
    keys.remember(now=clock.now())
    return is_behind


def people() -> bool:
    """Make the people who are missing and note their passwords; say whether any were made."""
    made: list[tuple[str, str]] = []
    for persona in PEOPLE:
        user, password = accounts.ensure(
            username=persona.username,
            is_staff=persona.is_staff,
            is_superuser=persona.is_superuser,
        )
        if password:
            made.append((persona.username, password))
            _grant(user, persona.role)
    if made:
        _note(settings.VAR_DIR / PEOPLE_FILE, made)
    return bool(made)


def _grant(user: Any, role: str) -> None:
    if role:
        everywhere.grant_everywhere(
            role=role,
            to=user,
            actor=person(PEOPLE[0].username),
            now=clock.now(),
            reason="One of the people every installation starts with.",
        )


def _note(path: Path, made: list[tuple[str, str]]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        for username, password in made:
            file.write(f"{username}\t{password}\n")


def person(username: str) -> Any:
    """Return one of the people made by `people`."""
    users = get_user_model()
    return users._default_manager.get(**{users.USERNAME_FIELD: username})


def require_own_password(host: str) -> None:
    """Raise Invalid when others could reach an admin whose password ThreadHub made up."""
    if addresses.is_loopback(host) or accounts.has_own_password(person("admin")):
        return
    raise Invalid(
        f"HOST={host} would open ThreadHub to other machines while the admin still has "
        "the password made up at the first start. Set your own first: "
        "`.venv/bin/python manage.py changepassword admin`."
    )


def load_graphs(*, say: Callable[[str], None] | None = None) -> Report:
    """Load the projects of the installation and store what they hold.

    What has changed is tried in a process of its own first; `say` is told of it.
    """
    return graphs.load_checked(now=clock.now(), say=say)


def use_graphs(*, say: Callable[[str], None]) -> Report:
    """Load in this process what `load_graphs` stored, and say what has changed since then."""
    report = graphs.load_stored()
    for slug in sorted(graphs.changed_projects(Graph.objects.all())):
        say(f"The project {slug} has changed: run `manage.py prepare`, then restart.")
    return report
