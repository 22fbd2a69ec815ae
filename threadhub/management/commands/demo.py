"""Do the main job in the terminal: run the demo session, answer it, show the report."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from sessions_app.models import Plan
from threadhub.kernel import audit
from threadhub.kernel.errors import Invalid, ThreadHubError
from threadhub.management.screen import Screen
from threadhub.ops import demo, following, preparing
from threads_app.runtime import engine

if TYPE_CHECKING:
    from threads_app.models import Interrupt

PERSON = "operator"
# What a shell says of a program that Ctrl-C ended.
INTERRUPTED = 130


class Command(BaseCommand):
    """manage.py demo: ends with 0 when the report was published, or rejected on purpose."""

    help = "Run the demo session, answer its question and show the report."
    requires_system_checks: list[str] = []

    def handle(self, **_: Any) -> None:
        """Run once; what cannot work ends with one sentence and code 2, a failure with 1."""
        self._screen = Screen()
        try:
            code = self._perform(chosen())
        except Invalid as error:
            code = self._refuse(error, 2)
        except ThreadHubError as error:
            code = self._refuse(error, 1)
        except (KeyboardInterrupt, EOFError):
            self.stderr.write("Stopped.")
            code = INTERRUPTED
        finally:
            engine.stop(seconds=settings.STOP_SECONDS)
            connection.close()
        sys.exit(code)

    def _refuse(self, error: ThreadHubError, code: int) -> int:
        self.stderr.write(error.message)
        return code

    def _perform(self, approve: bool | None) -> int:  # noqa: FBT001  # None: ask
        self.check()
        if demo.prepare():
            self._screen.say(f"People and passwords: {settings.VAR_DIR / preparing.PEOPLE_FILE}")
        self._person = preparing.person(PERSON)
        with audit.acting_as(audit.Actor(self._person.pk, PERSON, None, "manage.py demo")):
            return self._audit(approve)

    def _audit(self, approve: bool | None) -> int:  # noqa: FBT001  # None: ask
        plan = demo.start(actor=self._person)
        follower = following.Follower(plan.session)
        self._watch(plan, follower)
        question = demo.question_of(plan.session, actor=self._person)
        if question is None:
            return self._conclude(plan, approve=True)
        decided = self._decide(question, approve)
        demo.answer(question, actor=self._person, approve=decided)
        self._watch(plan, follower)
        return self._conclude(plan, approve=decided)

    def _decide(self, question: Interrupt, approve: bool | None) -> bool:  # noqa: FBT001
        self._screen.question(question.value)
        if approve is None and self._screen.is_terminal and sys.stdin.isatty():
            return self._ask()
        decided = approve is not False
        self._screen.say(f"Answered: {'approve' if decided else 'reject'}.\n")
        return decided

    def _ask(self) -> bool:
        try:
            return self._screen.ask()
        except (KeyboardInterrupt, EOFError):
            self.stderr.write("\nThe question stays open.")
            raise

    def _watch(self, plan: Plan, follower: following.Follower) -> None:
        try:
            with self._screen.progress(demo.GRAPHS), following.executing(plan.session):
                for told in follower.follow():
                    self._screen.event(told.name, told.event)
        except KeyboardInterrupt:
            self.stderr.write("Canceling the plan ...")
            following.cancel(plan, actor=self._person)
            raise

    def _conclude(self, plan: Plan, *, approve: bool) -> int:
        plan.refresh_from_db()
        self._screen.figures(demo.figures(plan.session))
        report = demo.published(plan.session)
        if plan.status != Plan.Status.FINISHED or (approve and not report):
            self.stderr.write(f"The audit ended as {plan.status}.")
            return 1
        said = f"Report: {report}" if report else "Rejected, as asked: no report was published."
        self._screen.say(said)
        return 0


def chosen() -> bool | None:
    """Return the answer that the settings decide, None to ask. Raises Invalid."""
    word = settings.DEMO_APPROVE.strip().lower()
    if word not in {"", "yes", "no"}:
        raise Invalid(f"APPROVE={settings.DEMO_APPROVE} is neither yes nor no.")
    return {"yes": True, "no": False}.get(word)
