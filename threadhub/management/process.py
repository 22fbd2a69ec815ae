"""What the commands that run as long as the process have in common."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand

from threadhub.kernel import clock
from threadhub.kernel.crypto import keys
from threadhub.kernel.errors import Invalid, ThreadHubError
from threadhub.ops import database, preparing

if TYPE_CHECKING:
    from threads_app.graphs.catalog import Report

CLUSTER = "DJANGO_SETTINGS_MODULE=threadhub.settings.cluster"


class ProcessCommand(BaseCommand):
    """A command that says what it does, and ends with one sentence and code 2 if it cannot."""

    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a program: told to stop while it still waits or prepares, it just ends."""
        for number in (signal.SIGINT, signal.SIGTERM):
            # The first process of a container ignores what it has no handler for.
            signal.signal(number, lambda number, _: sys.exit(128 + number))
        super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Do the work; what it refuses is one sentence and code 2."""
        try:
            return super().execute(*args, **options)
        except ThreadHubError as error:
            self.stderr.write(error.message)
            sys.exit(2)

    def say(self, text: str) -> None:
        """Write a line that is read at once, also from a file."""
        self.stdout.write(text)
        self.stdout.flush()

    def tell_of(self, report: Report) -> None:
        """Say which graphs there are, and why others cannot run."""
        names = ", ".join(graph.name for graph in report.loaded) or "none"
        self.say(f"Graphs: {names}")
        for project in report.projects:
            for problem in filter(None, [project.problem, *project.warnings]):
                self.stderr.write(problem)
        for graph in report.failed:
            # The sentence about its project was said above.
            if graph.code != "project_clash":
                self.stderr.write(f"{graph.name} cannot run: {graph.reason}")

    def join_cluster(self) -> Report:
        """Wait until the installation can be used, and load its graphs. Raises ThreadHubError."""
        self.require_cluster()
        database.wait(say=self.say)
        self.check()
        database.require_prepared()
        keys.check()
        keys.remember(now=clock.now())
        report = preparing.use_graphs(say=self.say)
        self.tell_of(report)
        return report

    def require_cluster(self) -> None:
        """Raise Invalid where one process is the whole installation."""
        if settings.ONE_PROCESS:
            raise Invalid(
                "These settings are for one process: run `manage.py serve`, or set "
                f"{CLUSTER} for several."
            )

    def end(self, code: int = 0) -> NoReturn:
        """End the process; nothing is left to be done in order."""
        # What is left are threads inside user code and the broker's, which crash an
        # interpreter that takes itself apart around them.
        self.stdout.flush()
        self.stderr.flush()
        logging.shutdown()
        os._exit(code)
