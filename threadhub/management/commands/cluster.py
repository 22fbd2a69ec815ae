"""A whole cluster on this machine: to rehearse, and to see one work."""

from __future__ import annotations

import os
import signal
import sys
import threading
import urllib.error
import urllib.request
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any, NoReturn

from django.conf import settings
from django.db import connection

from threadhub.kernel import audit, clock
from threadhub.kernel.people import links
from threadhub.management.process import ProcessCommand
from threadhub.ops import addresses, database, demo, preparing
from threadhub.ops.rehearsal import servers
from threadhub.ops.rehearsal.supervisor import Supervisor

WEBS = 2
WORKERS = 2
START_SECONDS = 120


class Command(ProcessCommand):
    """manage.py cluster: two web and two worker processes behind one address.

    Without a PostgreSQL and a Redis in the settings it brings its own, gone at its end.
    """

    help = "Run a cluster on this machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Host and port override THREADHUB_HOST and THREADHUB_PORT."""
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, *, host: str, port: int, **_: Any) -> None:
        """Run until stopped. Raises ThreadHubError for what cannot work."""
        if settings.ONE_PROCESS:
            addresses.refuse_taken(host, port)
            self._start_servers(host, port)
        database.wait(say=self.say)
        self.check()
        with database.prepared_alone(say=self.say):
            report = preparing.prepare(say=self.say)
        self.tell_of(report)
        preparing.require_own_password(host)
        self.end(self._supervise(host, port))

    def _start_servers(self, host: str, port: int) -> NoReturn:
        """Begin anew with settings that name the servers just started."""
        self.say("Starting a private PostgreSQL and a private Redis ...")
        folder = settings.VAR_DIR / "cluster"
        # Passwords of people whose database is gone.
        (folder / preparing.PEOPLE_FILE).unlink(missing_ok=True)
        environment = {**os.environ, **servers.start(var=folder)}
        words = ["manage.py", "cluster", "--host", host, "--port", str(port)]
        os.chdir(settings.BASE_DIR)
        os.execve(sys.executable, [sys.executable, *words], environment)  # noqa: S606  # our own

    def _supervise(self, host: str, port: int) -> int:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        with addresses.listening(host, port) as listening:
            listening.listen(128)
            web = ["web", "--fd", str(listening.fileno())]
            commands = {f"web {n}": web for n in range(1, WEBS + 1)}
            commands |= {f"worker {n}": ["worker"] for n in range(1, WORKERS + 1)}
            supervisor = Supervisor(commands, pass_fds=[listening.fileno()], say=self.say)
            connection.close()
            threading.Thread(target=self._announce, args=(host, port), daemon=True).start()
            return supervisor.run(stopping)

    def _announce(self, host: str, port: int) -> None:
        address = addresses.address_of(host, port)
        # The socket listens already: this waits until a web process accepts. A host name that
        # is not allowed is an answer, too.
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(f"{address}/ok", timeout=START_SECONDS).close()  # noqa: S310
        operator = preparing.person("operator")
        with audit.acting_as(audit.Actor(operator.pk, operator.get_username(), None, "cluster")):
            demo.start_first(actor=operator)
        self.say(f"\nThreadHub serves {address} with {WEBS} web and {WORKERS} worker processes\n")
        if addresses.is_loopback(host):
            token = links.issue(user=preparing.person("admin"), now=clock.now())
            self.say(f"Sign in as admin, once, within the hour: {address}/sign-in/{token}")
        self.say("Stop with Ctrl-C.")
        connection.close()
