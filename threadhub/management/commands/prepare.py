"""Prepare the database, the people and the graphs, once for all processes."""

from __future__ import annotations

from typing import Any

from threadhub.management.process import ProcessCommand
from threadhub.ops import database, preparing


class Command(ProcessCommand):
    """manage.py prepare: run it after each installation, upgrade or change of projects."""

    help = "Bring the database, the people and the graphs up to date."

    def handle(self, **_: Any) -> None:
        """Prepare, one process at a time."""
        self.require_cluster()
        database.wait(say=self.say)
        self.check()
        with database.prepared_alone(say=self.say):
            report = preparing.prepare(say=self.say)
        self.tell_of(report)
        self.say("Prepared.")
