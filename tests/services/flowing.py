"""Events as the engine writes them, and the pages that show them."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from threads_app.models import Thread

RUNNING = ("run.running", {"status": "running", "attempt": 1})


def started(task: str, node: str, ns: str = "") -> tuple[str, Any]:
    return "task.started", {"ns": ns, "id": task, "name": node, "triggers": []}


def finished(task: str, node: str, ns: str = "", **more: Any) -> tuple[str, Any]:
    ended: dict[str, Any] = {"ns": ns, "id": task, "name": node, "error": None, "interrupts": []}
    return "task.finished", {**ended, **more}


def checkpoint(step: int, ns: str = "") -> tuple[str, Any]:
    place = {"ns": ns, "checkpoint_id": f"c{step}", "parent_id": None, "source": "loop"}
    return "checkpoint", {**place, "step": step, "next": []}


def wrote(node: str, data: Any, ns: str = "") -> tuple[str, Any]:
    return "updates", {"ns": ns, "data": {node: data}}


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def address(thread: Thread, tab: str) -> str:
    return reverse(f"admin:threads_app_thread_{tab}", args=[thread.pk])


def page_of(person: Any, thread: Thread, tab: str, **query: Any) -> Any:
    return signed_in(person).get(address(thread, tab), query)
