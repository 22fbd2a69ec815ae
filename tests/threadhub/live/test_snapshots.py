"""A snapshot and any events that follow it, or overlap with it, give what is there now.

LIVE_EXAMPLES=2000 makes it the long form.
"""

from __future__ import annotations

import copy
import json
import os
from typing import Any

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.live_view import View
from threadhub.kernel import clock
from threadhub.kernel.errors import ThreadHubError
from threadhub.kernel.realtime import looking, topics
from threadhub.kernel.streams import log
from threads_app.models import Interrupt, Run, Thread
from threads_app.runtime import leases, settling
from threads_app.runtime.questions import Question
from threads_app.runtime.settling import Outcome
from threads_app.services import assistants, runs, threads
from threads_app.services.runs import RunOrder

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
EXAMPLES = int(os.environ.get("LIVE_EXAMPLES", "20"))
ACTS = ("start", "work", "cancel", "rename", "answer", "lose")
ENDS = ("success", "error", "interrupted")


class Story:
    """What happens to one thread, told by the services alone."""

    def __init__(self, owner: Any, assistant: Any) -> None:
        self.owner, self.assistant = owner, assistant
        self.thread: Thread = threads.create(actor=owner, now=clock.now(), assistant=assistant)
        self.count = 0

    def act(self, name: str, end: str) -> None:
        """Do the act, unless the thread does not admit it now."""
        self.count += 1
        try:
            getattr(self, f"_{name}")(end)
        except ThreadHubError:
            hypothesis.event("not admitted")

    def _start(self, _: str) -> None:
        order = RunOrder()
        runs.start(
            thread=self.thread,
            assistant=self.assistant,
            actor=self.owner,
            order=order,
            now=clock.now(),
        )

    def _work(self, end: str) -> None:
        if lease := self._lease():
            asked = (self._question(),) if end == "interrupted" else ()
            settling.settle(lease, Outcome(status=end, questions=asked, error_message="x"))

    def _lose(self, _: str) -> None:
        if lease := self._lease():
            leases.hand_back(lease, reason="stopped")

    def _cancel(self, _: str) -> None:
        for run in Run.objects.filter(thread=self.thread, status="pending"):
            runs.cancel(run=run, actor=self.owner, now=clock.now())

    def _rename(self, _: str) -> None:
        threads.change(thread=self.thread, now=clock.now(), title=f"title {self.count}")

    def _answer(self, _: str) -> None:
        asked = Interrupt.objects.filter(thread=self.thread, status="open")
        for question in asked.select_related("run__graph", "thread")[:1]:
            runs.answer(question=question, answer="yes", actor=self.owner, now=clock.now())

    def _lease(self) -> leases.Lease | None:
        run = Run.objects.filter(thread=self.thread, status="pending").first()
        return leases.claim(run_id=run.pk, worker="w") if run else None

    def _question(self) -> Question:
        return Question(
            interrupt_id=f"{self.count:032x}",
            checkpoint_id="c",
            namespace="",
            task_id="t",
            node="ask",
            value={"question": "?"},
            response_schema=None,
            answers=0,
        )

    def look(self) -> tuple[int, View]:
        """Return a snapshot as a client gets it."""
        topic, argument = topics.of(f"thread:{self.thread.public_id}")
        seen = looking.look(topic, argument, self.owner.pk)
        assert seen.data is not None
        return seen.seq, View.of(json.loads(seen.data))


@pytest.fixture
def graph_assistant(thread: Thread, owner: Any) -> tuple[Any, Any]:
    assert thread.graph is not None
    return owner, assistants.ensure_default(graph=thread.graph, now=clock.now())


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from(ENDS)), max_size=10))
def test_every_suffix_applied_to_every_snapshot_gives_what_is_there_now(
    graph_assistant: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, acts: list[tuple[str, str]]
) -> None:
    # The graph is a row only; no process has loaded it.
    monkeypatch.setattr(runs, "check", lambda *_: None)
    story = Story(*graph_assistant)
    snapshots = [story.look()]
    for name, end in acts:
        story.act(name, end)
        snapshots.append(story.look())
    events = log.read(stream_id=story.thread.stream_id, after=0)
    _, now = snapshots[-1]

    for seq, shown in snapshots:
        for after in range(seq + 1):
            view = copy.deepcopy(shown)
            for event in events[after:]:
                view.apply(event.kind, event.payload)
            assert view == now
