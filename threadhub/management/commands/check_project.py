"""Say of each graph of a project whether it loads, or why not and what to do."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from threadhub.kernel import clock
from threadhub.kernel.errors import Invalid
from threadhub.management.project_table import ProjectTable
from threads_app.services import checks


class Command(BaseCommand):
    """manage.py check_project: 0 when every graph loads, 1 when one does not, 2 for bad input."""

    help = "Load each graph of a langgraph.json in a process of its own and say what came of it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The path of the project, and in which form to print."""
        parser.add_argument("path", help="a langgraph.json, or the folder that has one")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, path: str, json: bool, **_: Any) -> None:
        """Print the table; ends with the code that the class names."""
        try:
            result = checks.project_at(path)
        except (Invalid, OSError) as error:
            self.stderr.write(str(error))
            sys.exit(2)
        try:
            checks.keep(result, now=clock.now())
        except DatabaseError:
            # A project can be checked before there is an installation.
            self.stderr.write("The result is not kept: the database is not ready.")
        if json:
            self.stdout.write(_json(result.as_json()))
        else:
            ProjectTable(self.stdout).show(result)
        if not result.is_good:
            sys.exit(1)


def _json(shown: dict[str, Any]) -> str:
    return json.dumps(shown, indent=2, ensure_ascii=False)
