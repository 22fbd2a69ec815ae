"""A live run watched through wires that are cut: in the end everybody sees what is true.

BROWSER_ROUNDS=100 is the long form, which writes its table to benchmarks/results/.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page as Tab

from browser import results
from browser.conftest import SignIn
from browser.installation import Installation
from browser.proxy import Proxy
from browser.views import PARTS, differences, view_of
from services.waiting import wait_until

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("BROWSER_ROUNDS", "1"))
STEPS = 24
WATCHERS = ("operator", "viewer")
NODES = {"plan", "work", "review", "talk", "end"}


@dataclass
class Watched:
    """A run that goes on when the test says so, and the two who look at it."""

    thread: str
    path: str
    tabs: list[Tab]
    wires: list[Proxy]


@pytest.fixture
def wires(installation: Installation) -> Iterator[list[Proxy]]:
    made = [Proxy(installation.server.port) for _ in WATCHERS]
    yield made
    for wire in made:
        wire.close()


@pytest.fixture
def watched(
    installation: Installation,
    sign_in: SignIn,
    wires: list[Proxy],
    request: pytest.FixtureRequest,
) -> Watched:
    title = f"storm-{installation.next_number()}"
    thread = installation.thread(title)
    installation.grant(thread, role="viewer", user="viewer")
    path = f"/console/threads_app/thread/{installation.thread_key(title)}/live/"
    installation.run(thread, rounds=STEPS, gate=0)
    tabs = []
    for who, wire in zip(WATCHERS, wires, strict=True):
        tabs.append(sign_in(who, origin=wire.origin).new_page())
        tabs[-1].goto(path)
        tabs[-1].evaluate("window.neverReloaded = true")
    return Watched(thread, path, tabs, wires)


def last_seq(on: Installation, thread: str) -> int:
    query = "SELECT last_seq FROM threadhub_stream WHERE key = ?"
    return int(on.rows(query, f"thread:{thread}")[0][0])


def storm(on: Installation, seen: Watched, rng: random.Random) -> None:
    """Let the run go on step by step while wires are cut and the server is killed once."""
    killed_at = rng.randrange(1, STEPS)
    for step in range(1, STEPS + 1):
        before = last_seq(on, seen.thread)
        on.open_gate(seen.thread, step)
        for wire in seen.wires:
            wire.is_down = rng.random() < 0.2
            if rng.random() < 0.4:
                wire.cut()
        if step == killed_at:
            on.server.kill()
            on.server.start()
        wait_until(
            lambda b=before: last_seq(on, seen.thread) > b, timeout=60, message="the run goes on"
        )
    for wire in seen.wires:
        wire.is_down = False


@pytest.mark.parametrize("number", range(ROUNDS))
def test_after_cuts_and_a_kill_everybody_sees_what_is_true(
    number: int,
    installation: Installation,
    watched: Watched,
    sign_in: SignIn,
    rng: random.Random,
    long_form: results.LongForm,
) -> None:
    storm(installation, watched, rng)
    installation.wait_for(watched.thread, "idle")

    for who, tab in zip(WATCHERS, watched.tabs, strict=True):
        fresh = sign_in(who).new_page()
        fresh.goto(watched.path)
        _settle(tab, view_of(fresh))

    assert [tab.evaluate("window.neverReloaded") for tab in watched.tabs] == [True, True]
    _assert_equals_the_database(installation, watched.thread, fresh)
    long_form.note("disconnects", cuts=sum(wire.cuts for wire in watched.wires), kills=1, equal=2)


def _settle(tab: Tab, truth: dict[str, list[str]]) -> None:
    """Wait until a watcher's page shows the truth. Raises AssertionError with what differs."""
    try:
        wait_until(lambda: view_of(tab) == truth, timeout=40, interval=0.1)
    except AssertionError:
        pytest.fail("\n".join(differences(view_of(tab), truth)), pytrace=False)


def _assert_equals_the_database(on: Installation, thread: str, tab: Tab) -> None:
    with on.api("operator") as api:
        values = api.get(f"/threads/{thread}/state").json()["values"]
        runs = api.get(f"/threads/{thread}/runs").json()
    assert [run["status"] for run in runs] == ["success"]
    assert values["trail"] == ["plan", *(f"round {n}" for n in range(1, STEPS + 1))]
    shown = view_of(tab)
    assert [name for name in PARTS if not shown[name]] == []
    assert len([node for node in shown["nodes"] if node.endswith("is-success")]) == len(NODES)
    said = values["messages"][-1]["content"].replace(" ", "")
    assert "".join(shown["output"]).count(f"talk{said}") == 1


def test_a_second_viewer_sees_a_change_without_loading_the_page_again(
    installation: Installation, watched: Watched, long_form: results.LongForm
) -> None:
    for step in range(1, long_form.or_short(100, 3) + 1):
        before = [view_of(tab) for tab in watched.tabs]
        began = results.now()
        installation.open_gate(watched.thread, min(step, STEPS))
        for tab, old in zip(watched.tabs, before, strict=True):
            wait_until(
                lambda t=tab, o=old: view_of(t) != o, interval=0.005, message="the page moves"
            )
        long_form.note("second viewer", seconds=results.now() - began)
        if step == STEPS:
            break

    assert [tab.evaluate("window.neverReloaded") for tab in watched.tabs] == [True, True]
    assert long_form.share_below("second viewer", seconds=1) >= 0.95
