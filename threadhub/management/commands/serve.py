"""Serve ThreadHub in one process: web server, worker, tick."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.db import connection

from threadhub.celery import app
from threadhub.kernel import audit, clock
from threadhub.kernel.errors import Invalid
from threadhub.kernel.operations import leases as operation_leases
from threadhub.kernel.people import links
from threadhub.kernel.ticking import Ticker
from threadhub.management.process import ProcessCommand
from threadhub.management.stopping import Deadline, hand_back
from threadhub.ops import addresses, demo, preparing
from threadhub.ops.lock import InstallationLock
from threadhub.ops.worker import Worker
from threads_app.runtime import leases


class Command(ProcessCommand):
    """manage.py serve: prepares the installation, then serves until it is stopped."""

    help = "Serve ThreadHub in one process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Host and port override THREADHUB_HOST and THREADHUB_PORT."""
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, *, host: str, port: int, **_: Any) -> None:
        """Run until stopped. Raises ThreadHubError for what cannot work."""
        if not settings.ONE_PROCESS:
            raise Invalid(
                "These settings are for several processes: run `manage.py prepare`, then "
                "`manage.py web` and `manage.py worker`, any number of each."
            )
        lock = InstallationLock(settings.VAR_DIR)
        addresses.refuse_taken(host, port)
        lock.take(address=addresses.address_of(host, port))
        self._prepare(host)
        self._serve(host, port)
        self.end()

    def _prepare(self, host: str) -> None:
        self.check()
        report = preparing.prepare(say=self.say)
        preparing.require_own_password(host)
        self.tell_of(report)
        ended = "the process before this one ended"
        taken, jobs = leases.take_over(reason=ended), operation_leases.take_over(reason=ended)
        if taken:
            self.say(f"Runs taken over from the process before: {taken}")
        if jobs:
            self.say(f"Operations taken over from the process before: {jobs}")

    def _serve(self, host: str, port: int) -> None:
        # Installs Twisted's reactor, so it is imported in the process that serves only.
        from threadhub.asgi import application  # noqa: PLC0415
        from threadhub.ops.server import Server, endpoints  # noqa: PLC0415

        server = Server(application, endpoints=endpoints(host, port))
        server.on_ready(lambda: self._announce(host, port))
        connection.close()
        server.before_end(self._stop)
        self._start()
        server.run()

    def _start(self) -> None:
        Worker(app).start()
        self._ticker = Ticker(seconds=settings.TICK_SECONDS)
        self._ticker.start()
        operator = preparing.person("operator")
        with audit.acting_as(audit.Actor(operator.pk, operator.get_username(), None, "serve")):
            demo.start_first(actor=operator)

    def _stop(self) -> None:
        hand_back(self._ticker, Deadline())

    def _announce(self, host: str, port: int) -> None:
        address = addresses.address_of(host, port)
        self.say(f"\nThreadHub serves {address}\n")
        if addresses.is_loopback(host):
            token = links.issue(user=preparing.person("admin"), now=clock.now())
            self.say(f"Sign in as admin, once, within the hour: {address}/sign-in/{token}")
        self.say("Stop with Ctrl-C.")
