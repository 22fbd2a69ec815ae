"""Two people: nobody reaches what is another's, by any address or any id in a body."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from django.urls import URLPattern
from langgraph_sdk.client import SyncLangGraphClient

from threads_app.api.urls import urlpatterns

# What to send where, as the stranger; the ids are the operator's.
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "threads/<str:thread_id>"): {"title": "mine now"},
    ("POST", "threads/<str:thread_id>/state"): {"values": {"subject": "x"}},
    ("POST", "threads/<str:thread_id>/state/checkpoint"): {"checkpoint": {}},
    ("POST", "threads/<str:thread_id>/runs"): {"assistant_id": "asks", "input": {"subject": "x"}},
    ("POST", "interrupts/<int:interrupt_key>/answer"): {"answer": "mine"},
}
for _route in ("stream", "wait"):
    BODIES["POST", f"threads/<str:thread_id>/runs/{_route}"] = BODIES[
        "POST", "threads/<str:thread_id>/runs"
    ]
METHODS = ("get", "post", "patch", "put", "delete")


def below_an_object() -> list[tuple[str, str]]:
    """Every method of every route that names an object of somebody's."""
    named = [route for route in urlpatterns if "<" in str(route.pattern)]
    return [
        (method.upper(), str(route.pattern))
        for route in named
        for method in METHODS
        if hasattr(_view(route), method) and not re.search("graph_id|cron_id", str(route.pattern))
    ]


def _view(route: URLPattern) -> Any:
    return route.callback.view_class  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def owned(sdk: SyncLangGraphClient, operator: httpx.Client) -> dict[str, str]:
    """The ids of everything a thread of the operator's has."""
    thread_id = sdk.threads.create()["thread_id"]
    sdk.runs.wait(thread_id, "asks", input={"subject": "private"})
    (question,) = [
        row for row in operator.get("/interrupts").json() if row["thread_id"] == thread_id
    ]
    return {
        "<str:thread_id>": thread_id,
        "<str:run_id>": sdk.runs.list(thread_id)[0]["run_id"],
        "<str:checkpoint_id>": sdk.threads.get_state(thread_id)["checkpoint"]["checkpoint_id"],
        "<int:interrupt_key>": str(question["id"]),
    }


def filled(route: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        route = route.replace(name, value)
    return f"/{route}"


def test_there_are_routes_to_try() -> None:
    assert len(below_an_object()) >= 18


@pytest.mark.parametrize(("method", "route"), below_an_object())
def test_what_is_anothers_looks_like_what_is_not_there(
    stranger: httpx.Client,
    operator: httpx.Client,
    owned: dict[str, str],
    nobody: str,
    method: str,
    route: str,
) -> None:
    missing = {name: "987654321" if "int" in name else nobody for name in owned}
    body = BODIES.get((method, route), {})
    hidden = stranger.request(method, filled(route, owned), json=body)
    absent = stranger.request(method, filled(route, missing), json=body)

    assert (hidden.status_code, absent.status_code) == (404, 404)
    same = ("detail", "code")
    assert [hidden.json()[key] for key in same] == [absent.json()[key] for key in same]
    assert operator.get(filled("threads/<str:thread_id>", owned)).json()["title"] == ""


def test_lists_show_ones_own_only(stranger: httpx.Client, owned: dict[str, str]) -> None:
    thread_id = owned["<str:thread_id>"]
    found = stranger.post("/threads/search", json={"ids": [thread_id], "limit": 1000}).json()
    asked = stranger.get("/interrupts").json()

    assert found == []
    assert thread_id not in {row["thread_id"] for row in asked}


@pytest.mark.parametrize("route", ["runs", "runs/wait", "runs/stream"])
def test_a_run_does_not_take_over_anothers_thread(
    stranger: httpx.Client, owned: dict[str, str], route: str
) -> None:
    body = {"assistant_id": "asks", "input": {"subject": "x"}, "if_not_exists": "create"}
    answer = stranger.post(f"/threads/{owned['<str:thread_id>']}/{route}", json=body)

    assert answer.status_code == 404


class TestIdsInBodies:
    """A thread of one's own and somebody else's ids."""

    @pytest.fixture
    def own(self, stranger: httpx.Client) -> str:
        thread_id = stranger.post("/threads", json={}).json()["thread_id"]
        body = {"assistant_id": "asks", "input": {"subject": "mine"}}
        stranger.post(f"/threads/{thread_id}/runs/wait", json=body).raise_for_status()
        return str(thread_id)

    def test_checkpoints(self, stranger: httpx.Client, owned: dict[str, str], own: str) -> None:
        place = {
            "thread_id": owned["<str:thread_id>"],
            "checkpoint_id": owned["<str:checkpoint_id>"],
        }
        bodies = {
            "state/checkpoint": {"checkpoint": place},
            "state": {"values": {"subject": "x"}, "checkpoint": place},
            "runs": {"assistant_id": "asks", "input": {"subject": "x"}, "checkpoint": place},
            "runs/wait": {"assistant_id": "asks", "config": {"configurable": place}},
        }

        for leaf, body in bodies.items():
            assert stranger.post(f"/threads/{own}/{leaf}", json=body).status_code == 404, leaf

    def test_thread_ids(self, stranger: httpx.Client, owned: dict[str, str], own: str) -> None:
        place = {"thread_id": owned["<str:thread_id>"]}
        state = stranger.post(f"/threads/{own}/state/checkpoint", json={"checkpoint": place}).json()
        history = stranger.post(f"/threads/{own}/history", json={"checkpoint": place}).json()
        run = {"assistant_id": "asks", "config": {"configurable": place}}
        waited = stranger.post(f"/threads/{own}/runs/wait", json=run).json()

        assert state["values"]["subject"] == waited["subject"] == "mine"
        assert {row["checkpoint"]["thread_id"] for row in history} == {own}

    def test_run_ids(self, stranger: httpx.Client, owned: dict[str, str], own: str) -> None:
        for leaf in ("", "/join", "/stream"):
            url = f"/threads/{own}/runs/{owned['<str:run_id>']}{leaf}"
            assert stranger.get(url).status_code == 404

    def test_interrupt_ids(
        self, stranger: httpx.Client, operator: httpx.Client, owned: dict[str, str], own: str
    ) -> None:
        asked = operator.get(f"/threads/{owned['<str:thread_id>']}").json()["interrupts"]
        ((question,),) = asked.values()
        body = {"assistant_id": "asks", "command": {"resume": {question["id"]: "x"}}}
        answer = stranger.post(f"/threads/{own}/runs", json=body)

        assert answer.status_code == 409
        assert "operator" not in answer.json()["detail"]
        assert operator.get(f"/threads/{owned['<str:thread_id>']}").json()["interrupts"] == asked


def test_an_owner_cannot_be_chosen(stranger: httpx.Client, thread_id: str) -> None:
    body = {"owner": "operator", "status": "busy", "id": 1, "head": 1}
    made = stranger.post("/threads", json=body).json()
    stranger.patch(f"/threads/{made['thread_id']}", json=body)
    shown = stranger.get(f"/threads/{made['thread_id']}").json()

    assert (shown["owner"], shown["status"]) == ("stranger", "idle")
