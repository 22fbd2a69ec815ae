"""A server of the browser tests' own, filled through its public doors."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import httpx

from services.threadhub_process import ROOT, ThreadHubProcess
from services.waiting import wait_until

PROJECTS = (
    ROOT / "examples" / "environment_audit" / "langgraph.json",
    ROOT / "tests" / "projects" / "console" / "langgraph.json",
)
# The first four are there from the first start; see threadhub/ops/preparing.py.
PEOPLE = ("admin", "operator", "auditor", "stranger", "staff", "viewer")
GROUP = "reviewers"
# There is no route for accounts, and the console's forms are among what is tested.
MAKE_PEOPLE = f"""
import json, secrets
from django.contrib.auth.models import Group, User
from threadhub.kernel import audit, clock
from threadhub.kernel.people import accounts, keys, links
now, made = clock.now(), {{}}
with audit.acting_as(audit.Actor(None, "command line", None, "browser tests")):
    group, _ = Group.objects.get_or_create(name="{GROUP}")
    accounts.ensure(username="staff", is_staff=True)
    accounts.ensure(username="viewer")[0].groups.add(group)
    for user in User.objects.all():
        key = keys.create(user=user, name="browser tests", now=now, expires_at=None)
        made[user.username] = {{"key": key, "link": links.issue(user=user, now=now)}}
print(json.dumps(made))
"""
# Written by the product, in English.
NAMES = {"auth_permission", "django_migrations"}


class Installation:
    """The server, its people and what is on it: names lead to the numbers in addresses."""

    def __init__(self, folder: Path) -> None:
        self.gates = folder / "gates"
        self.gates.mkdir(parents=True)
        project = Path(os.pathsep.join(map(str, PROJECTS)))
        self.server = ThreadHubProcess(
            var=folder / "var", project=project, LEASE_SECONDS="2", ENVIRONMENT="staging"
        )
        self.server.environment["CONSOLE_GATES"] = str(self.gates)
        self.threads: dict[str, str] = {}
        self.cookies: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    @property
    def origin(self) -> str:
        """Return where the server answers."""
        return f"http://127.0.0.1:{self.server.port}"

    def start(self) -> None:
        """Start the server and make the people, their keys and their signed-in browsers."""
        self.server.start()
        made = json.loads(self.server.command("shell", "-v0", "-c", MAKE_PEOPLE).splitlines()[-1])
        for name, given in made.items():
            self._keys[name] = given["key"]
            answer = httpx.get(f"{self.origin}/sign-in/{given['link']}")
            self.cookies[name] = answer.cookies["sessionid"]

    def api(self, person: str) -> httpx.Client:
        """Return a client of the API for one of the people."""
        headers = {"X-Api-Key": self._keys[person]}
        return httpx.Client(base_url=f"{self.origin}/api", headers=headers, timeout=60)

    def password(self, person: str) -> str:
        """Return what the person types to sign in; only of those made at the first start."""
        lines = (self.server.var / "people.txt").read_text().splitlines()
        return dict(line.split("\t") for line in lines)[person]

    def thread(self, title: str, **given: Any) -> str:
        """Make a thread of the operator's with that title, start a run on it, return its id."""
        with self.api("operator") as api:
            order = {"graph_id": "pipeline", "title": title}
            thread = str(api.post("/threads", json=order).raise_for_status().json()["thread_id"])
            if given:
                self.run(thread, **given)
        self.threads[title] = thread
        return thread

    def run(self, thread: str, *, gate: int | None = None, **given: Any) -> str:
        """Start a run that may begin `gate` rounds for now; return its id."""
        if gate is not None:
            self.open_gate(thread, gate)
        order = {"assistant_id": "pipeline", "input": given, "config": {"recursion_limit": 10_000}}
        order["stream_mode"] = ["values", "updates", "messages", "custom"]
        with self.api("operator") as api:
            made = api.post(f"/threads/{thread}/runs", json=order).raise_for_status()
            return str(made.json()["run_id"])

    def grant(self, thread: str, **given: Any) -> None:
        """Give somebody a role on a thread of the operator's."""
        with self.api("operator") as api:
            api.post(f"/threads/{thread}/grants", json=given).raise_for_status()

    def open_gate(self, thread: str, rounds: int) -> None:
        """Let the thread begin that many rounds."""
        new = self.gates / f"{thread}.new"
        new.write_text(str(rounds))
        new.replace(self.gates / thread)

    def status(self, thread: str) -> str:
        """Return the thread's status as the API tells it."""
        with self.api("admin") as api:
            return str(api.get(f"/threads/{thread}").raise_for_status().json()["status"])

    def wait_for(self, thread: str, *wanted: str) -> None:
        """Wait until the thread has one of these statuses."""
        wait_until(lambda: self.status(thread) in wanted, timeout=60, message=f"one of {wanted}")

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database itself: numbers for addresses, and the truth pages are held to."""
        with sqlite3.connect(self.server.var / "threadhub.sqlite3", timeout=30) as connection:
            found = connection.execute(query, values).fetchall()
        connection.close()
        return found

    def every_text(self) -> str:
        """Return everything in the database that is text, without the names of permissions."""
        tables = self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        found = (self.rows(f'SELECT * FROM "{name}"') for (name,) in tables if name not in NAMES)
        return " ".join(
            value for rows in found for row in rows for value in row if isinstance(value, str)
        )

    def key(self, table: str, where: str = "1", *values: Any) -> int:
        """Return the number of the first such row."""
        query = f"SELECT id FROM {table} WHERE {where} ORDER BY id LIMIT 1"
        return int(self.rows(query, *values)[0][0])

    def next_number(self) -> int:
        """Return a number that no thread's title has yet."""
        return len(self.threads)

    def question_key(self, title: str) -> int:
        """Return the number of the first question of the thread with that title."""
        return self.key("threads_interrupt", "thread_id = ?", self.thread_key(title))

    def thread_key(self, title: str) -> int:
        """Return the number of the thread with that title."""
        return self.key("threads_thread", "title = ?", title)
