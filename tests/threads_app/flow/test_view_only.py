"""Whoever may see that a thread is there reads nothing that its graph or its people wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from services.flowing import RUNNING, address, checkpoint, finished, signed_in, started, wrote
from threadhub.kernel import clock
from threads_app.models import Interrupt, Run, Thread

pytestmark = pytest.mark.django_db
CANARY = "canary-7c1f"
SAID = {"text": CANARY}
EVENTS: list[tuple[str, Any]] = [
    RUNNING,
    started("t1", "plan"),
    wrote("plan", SAID),
    ("custom", {"ns": "", "data": SAID}),
    finished("t1", "plan", error={"error": "ValueError", "message": CANARY}, result=SAID),
    checkpoint(1),
    ("run.error", {"error": {"error": "ValueError", "message": CANARY}}),
]
TABS = (
    "live",
    "timeline",
    "state",
    "state_part",
    "state_download",
    "checkpoints",
    "fork",
    "runs",
    "access",
    "access_grant",
    "access_people",
    "run",
    "resume",
    "cancel",
    "rename",
    "remove",
)


@pytest.fixture
def told(
    thread: Thread,
    begin: Callable[..., Run],
    happen: Callable[[Run, Iterable[tuple[str, Any]]], None],
    ask: Callable[[Run], Interrupt],
) -> Interrupt:
    """A question on a thread with the canary in all that a graph and people can write."""
    orders = {name: {"x": CANARY} for name in ("input", "config", "context", "metadata")}
    failed = begin("error", error_class="ValueError", error_message=CANARY, **orders)
    happen(failed, EVENTS)
    run = begin("interrupted", **orders)
    opened = {"interrupt_id": "a" * 32, "node": "write", "ns": "", "value": SAID}
    happen(run, [RUNNING, started("t2", "write"), ("interrupt.opened", opened)])
    Interrupt.objects.create(
        thread=thread,
        run=failed,
        interrupt_id="b" * 32,
        node="plan",
        value=SAID,
        answer=SAID,
        status="answered",
        answered_by=thread.owner,
        answer_run=run,
        answered_at=clock.now(),
        created_at=clock.now(),
    )
    question = ask(run)
    question.value = {"question": CANARY}
    question.response_schema = {"type": "object", "title": CANARY}
    question.save()
    thread.error, thread.values_preview = CANARY, SAID
    thread.config = SAID
    thread.save()
    return question


def pages(question: Interrupt) -> list[str]:
    thread = question.thread
    lists = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]
    tabs = [address(thread, tab) for tab in TABS]
    runs = [
        reverse("admin:threads_app_run_change", args=[run.pk])
        for run in Run.objects.filter(thread=thread)
    ]
    asked = reverse("admin:threads_app_thread_question", args=[thread.pk, question.pk])
    live = [f"/api/live?topic={name}" for name in ("inbox", "overview", "list:threads")]
    return [
        "/console/",
        "/console/inbox/",
        asked,
        *lists,
        *tabs,
        *runs,
        *live,
    ]


def replayed(client: Client, thread: Thread) -> str:
    """Return what the live protocol tells of the thread: its snapshot, then all events."""
    given = {"topic": f"thread:{thread.public_id}"}
    first = client.get("/api/live", given)
    again = client.get(
        "/api/live", {**given, "since": 0, "epoch": first.json()[0].get("epoch", "")}
    )
    return first.content.decode() + again.content.decode()


def test_a_reader_is_told_all_of_it(reader: Any, told: Interrupt) -> None:
    client = signed_in(reader)

    assert client.get(address(told.thread, "live")).content.decode().count(CANARY) > 1
    assert replayed(client, told.thread).count(CANARY) > 5


@pytest.mark.parametrize("who", ["viewer", "stranger"])
def test_others_are_told_none_of_it(
    request: pytest.FixtureRequest, told: Interrupt, who: str
) -> None:
    client = signed_in(request.getfixturevalue(who))

    assert CANARY not in replayed(client, told.thread)
    for status in ("error", "interrupted"):
        told.thread.status = status
        told.thread.save(update_fields=["status"])
        for page in pages(told):
            body = client.get(page).content.decode()
            assert CANARY not in body, page
