"""Serve ThreadHub in one process: web server, worker, tick."""

from __future__ import annotations

import logging
import os
import socket
import sys
from argparse import ArgumentParser
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from threadhub.celery import app
from threadhub.kernel import audit, clock
from threadhub.kernel.errors import Invalid, ThreadHubError
from threadhub.kernel.operations import executor
from threadhub.kernel.operations import leases as operation_leases
from threadhub.kernel.people import accounts, links
from threadhub.kernel.ticking import Ticker
from threadhub.ops import demo, preparing
from threadhub.ops.lock import InstallationLock
from threadhub.ops.worker import EmbeddedWorker
from threads_app.runtime import engine, leases

if TYPE_CHECKING:
    from threads_app.graphs.catalog import Report

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """manage.py serve: prepares the installation, then serves until it is stopped."""

    help = "Serve ThreadHub in one process."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Host and port override THREADHUB_HOST and THREADHUB_PORT."""
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, *, host: str, port: int, **_: Any) -> None:
        """Run until stopped; what cannot work ends with one sentence and code 2."""
        lock = InstallationLock(settings.VAR_DIR)
        try:
            refuse_taken(host, port)
            lock.take(address=address_of(host, port))
            self._prepare(host, port)
        except ThreadHubError as error:
            self.stderr.write(error.message)
            sys.exit(2)
        self._serve(host, port)
        # Every run is settled or handed back. What is left are threads inside user code and
        # the broker's, which crash an interpreter that takes itself apart around them.
        self.stdout.flush()
        logging.shutdown()
        os._exit(0)

    def _prepare(self, host: str, port: int) -> None:
        self.check()
        if preparing.migrate():
            self.stdout.write("The database is up to date.")
        if preparing.people():
            self.stdout.write(f"People and passwords: {settings.VAR_DIR / preparing.PEOPLE_FILE}")
        admin = preparing.person("admin")
        if not is_loopback(host) and not accounts.has_own_password(admin):
            raise Invalid(
                f"HOST={host} would open ThreadHub to other machines while the admin still has "
                "the password made up at the first start. Set your own first: "
                "`.venv/bin/python manage.py changepassword admin`."
            )
        report = preparing.load_graphs(say=self._say)
        self._say_graphs(report)
        ended = "the process before this one ended"
        taken, jobs = leases.take_over(reason=ended), operation_leases.take_over(reason=ended)
        if taken:
            self.stdout.write(f"Runs taken over from the process before: {taken}")
        if jobs:
            self.stdout.write(f"Operations taken over from the process before: {jobs}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _say_graphs(self, report: Report) -> None:
        names = ", ".join(graph.name for graph in report.loaded) or "none"
        self.stdout.write(f"Graphs: {names}")
        for project in report.projects:
            if project.problem:
                self.stderr.write(project.problem)
            for warning in project.warnings:
                self.stderr.write(warning)
        for graph in report.failed:
            # The sentence about its project was said above.
            if graph.code != "project_clash":
                self.stderr.write(f"{graph.name} cannot run: {graph.reason}")

    def _serve(self, host: str, port: int) -> None:
        # Installs Twisted's reactor, so it is imported in the process that serves only.
        from threadhub.asgi import application  # noqa: PLC0415
        from threadhub.ops.server import Server  # noqa: PLC0415

        server = Server(application, host=host, port=port)
        server.on_ready(lambda: self._announce(host, port))
        connection.close()
        server.run(start=self._start, stop=self._stop)

    def _start(self) -> None:
        EmbeddedWorker(app).start()
        self._ticker = Ticker(seconds=settings.TICK_SECONDS)
        self._ticker.start()
        operator = preparing.person("operator")
        with audit.acting_as(audit.Actor(operator.pk, operator.get_username(), None, "serve")):
            demo.start_first(actor=operator)

    def _stop(self) -> None:
        self._ticker.stop()
        if not executor.stop(seconds=settings.STOP_SECONDS):
            logger.warning("An operation did not stop in time; the next start takes it over.")
        if not engine.stop(seconds=settings.STOP_SECONDS):
            logger.warning("Some runs did not stop in time; the next start takes them over.")

    def _announce(self, host: str, port: int) -> None:
        self.stdout.write(f"\nThreadHub serves {address_of(host, port)}\n")
        if is_loopback(host):
            admin = preparing.person("admin")
            token = links.issue(user_id=admin.pk, now=clock.now())
            link = f"{address_of(host, port)}/sign-in/{token}"
            self.stdout.write(f"Sign in as admin, once, within the hour: {link}")
        self.stdout.write("Stop with Ctrl-C.")
        self.stdout.flush()


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach the host."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def address_of(host: str, port: int) -> str:
    """Return the address to open in a browser."""
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)  # noqa: S104  # compared
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def refuse_taken(host: str, port: int) -> None:
    """Raise Invalid when the address cannot be listened on."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Invalid(f"HOST={host} is no address of this machine.") from None
    family, kind, protocol, _, target = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(target)
        except OSError as error:
            raise Invalid(
                f"Port {port} on {host} cannot be used ({error.strerror}). "
                f"Stop what listens there, or choose another: make run PORT={port + 1}."
            ) from None
