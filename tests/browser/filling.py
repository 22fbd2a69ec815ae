"""What is on the browser tests' installation: something of everything a page can show."""

from __future__ import annotations

from browser.installation import GROUP, Installation
from services.waiting import wait_until

FINISHED, FAILED, WAITING, RUNNING, EMPTY, FORKED = (
    "quarterly-7",
    "crawl-2",
    "offer-9",
    "nightly-118",
    "draft-1",
    "market-6",
)
SPARE = ("spare-1", "spare-2")


def fill(on: Installation) -> None:
    """Start threads of every status, and wait until each is where it stays."""
    on.thread(FINISHED, rounds=3)
    on.thread(FAILED, rounds=1, fail=True)
    on.thread(WAITING, rounds=2, ask=True)
    on.thread(RUNNING, rounds=5, gate=2)
    on.thread(EMPTY)
    on.thread(FORKED, rounds=2)
    for title in SPARE:
        on.thread(title)
    on.wait_for(on.threads[FINISHED], "idle")
    on.wait_for(on.threads[FORKED], "idle")
    on.wait_for(on.threads[FAILED], "error")
    on.wait_for(on.threads[WAITING], "interrupted")
    _fork(on)
    _share(on)
    _operate(on)
    with on.api("operator") as api:
        wait_until(
            lambda: api.get("/sessions").json()["items"][0]["status"] == "waiting",
            timeout=60,
            message="the demo asks",
        )


def _fork(on: Installation) -> None:
    """Change the state at an older checkpoint, so that the thread has two branches."""
    with on.api("operator") as api:
        path = f"/threads/{on.threads[FORKED]}"
        history = api.get(f"{path}/history").raise_for_status().json()
        checkpoint = history[len(history) // 2]["checkpoint"]
        change = {"values": {"trail": ["edited"]}, "checkpoint": checkpoint, "as_node": "plan"}
        api.post(f"{path}/state", json=change).raise_for_status()


def _share(on: Installation) -> None:
    """Grant roles to a person and to a group, on threads and on the demo's session."""
    for title in (FINISHED, WAITING, RUNNING):
        on.grant(on.threads[title], role="viewer", user="viewer", reason="OPS-41")
    with on.api("operator") as api:
        session = api.get("/sessions").json()["items"][0]["session_id"]
        given = {"role": "operator", "group": GROUP, "until": "2099-01-01T00:00:00Z"}
        api.post(f"/sessions/{session}/grants", json=given).raise_for_status()


def _operate(on: Installation) -> None:
    """Delete two threads by an operation."""
    with on.api("operator") as api:
        ids = [on.threads[title] for title in SPARE]
        order = {"kind": "threads.delete", "ids": ids, "reason": "OPS-42"}
        made = api.post("/operations", json=order).raise_for_status().json()
        path = f"/operations/{made['operation_id']}"
        wait_until(
            lambda: api.get(path).json()["state"] not in {"pending", "running"},
            timeout=60,
            message="the operation ends",
        )
