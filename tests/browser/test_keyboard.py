"""The flows of the console by keyboard alone, found by the roles and names people are told."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from browser.conftest import SignIn
from browser.filling import FINISHED, FORKED
from browser.installation import Installation
from browser.keyboard import Keyboard
from services.waiting import wait_until

pytestmark = pytest.mark.slow

OPERATOR = "operator"
Walk = Callable[..., Keyboard]


@pytest.fixture
def walk(sign_in: SignIn) -> Walk:
    """Return a function that opens an address for a person who has no mouse."""

    def begin(path: str, who: str = OPERATOR) -> Keyboard:
        tab = sign_in(who).new_page()
        keys = Keyboard(tab)
        tab.goto(path)
        return keys

    return begin


@pytest.fixture
def asked(installation: Installation) -> str:
    """Return the title of a thread of the test's own that asks a question."""
    title = f"asked-{installation.next_number()}"
    installation.wait_for(installation.thread(title, rounds=1, ask=True), "interrupted")
    return title


def page_of(on: Installation, title: str, tab: str = "live") -> str:
    return f"/console/threads_app/thread/{on.thread_key(title)}/{tab}/"


def test_one_signs_in(installation: Installation, walk: Walk) -> None:
    keys = walk("/console/login/", who="")
    keys.write(keys.tab.get_by_label("Name"), OPERATOR)
    keys.write(keys.tab.get_by_label("Password", exact=True), installation.password(OPERATOR))

    keys.follow(keys.tab.get_by_role("button", name="Sign in"))

    expect(keys.tab.get_by_role("heading", level=1)).to_have_text("Overview")
    assert keys.losses() == []


def test_the_first_stop_leads_past_the_navigation(walk: Walk) -> None:
    keys = walk("/console/")

    keys.tab.keyboard.press("Tab")
    expect(keys.tab.get_by_role("link", name="Skip to content")).to_be_focused()
    keys.tab.keyboard.press("Enter")

    expect(keys.tab.get_by_role("main")).to_be_focused()


def test_one_finds_a_thread_and_walks_its_tabs(walk: Walk) -> None:
    keys = walk("/console/")
    tab = keys.tab
    keys.follow(tab.get_by_role("navigation", name="Main").get_by_role("link", name="Threads"))

    keys.write(tab.get_by_role("main").get_by_role("searchbox"), FINISHED)
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    expect(tab.get_by_role("rowheader")).to_have_count(1)
    keys.follow(tab.get_by_role("rowheader").get_by_role("link", name=FINISHED))

    tabs = tab.get_by_role("navigation", name="Thread", exact=True)
    for words in tabs.get_by_role("link").all_inner_texts():
        # A number may follow.
        name = re.compile(f"^{words.split()[0]}")
        keys.follow(tabs.get_by_role("link", name=name))
        expect(tab.get_by_role("heading", level=1)).to_contain_text(FINISHED)
        expect(tabs.locator("[aria-current=page]")).to_have_text(name)
    assert keys.losses() == []


def test_a_filter_is_added_and_removed(walk: Walk) -> None:
    keys = walk("/console/threads_app/thread/")
    tab = keys.tab
    menu = tab.locator("details.menu", has=tab.locator("summary", has_text="Filter")).first
    keys.press(menu.locator("summary", has_text="Filter"))
    keys.press(menu.locator("summary", has_text=re.compile("^Status", re.IGNORECASE)))

    keys.follow(menu.get_by_role("link", name="Failed"))
    chip = tab.get_by_role("link", name=re.compile("^Remove filter"))
    expect(chip).to_have_count(1)
    keys.follow(chip)

    expect(chip).to_have_count(0)
    assert keys.losses() == []


def test_a_question_is_claimed_and_answered(
    installation: Installation, walk: Walk, asked: str
) -> None:
    keys = walk(page_of(installation, asked))
    tab = keys.tab
    card = tab.get_by_role("region", name=re.compile("^Waiting for"))
    keys.follow(card.get_by_role("button", name="Claim"))
    expect(card).to_contain_text("Claimed by you")

    keys.write(card.get_by_label(re.compile("^Note")), "Looks right")
    keys.follow(card.get_by_role("button", name="Approve"))

    expect(tab.locator("#head")).to_contain_text("Idle")
    thread = installation.threads[asked]
    installation.wait_for(thread, "idle")
    with installation.api(OPERATOR) as api:
        decision = api.get(f"/threads/{thread}/state").json()["values"]["decision"]
    assert decision == {"approved": True, "note": "Looks right"}
    assert keys.losses() == []


def test_the_demo_is_answered_in_two_steps_from_the_overview(
    installation: Installation, walk: Walk
) -> None:
    keys = walk("/console/")
    tab = keys.tab
    waiting = tab.get_by_role("region", name=re.compile("^Needs you"))
    row = waiting.get_by_role("listitem").filter(has_text="Publish this report?")

    keys.press(row.get_by_role("link", name=re.compile("Open|Answer|Publish")).first)
    keys.press(tab.get_by_role("button", name=re.compile("^Approve$")).first)

    with installation.api(OPERATOR) as api:
        wait_until(
            lambda: api.get("/sessions").json()["items"][0]["status"] == "finished",
            timeout=60,
            message="the demo session ends",
        )


def test_a_run_is_started_and_stopped(installation: Installation, walk: Walk) -> None:
    title = f"stopped-{installation.next_number()}"
    thread = installation.thread(title, rounds=3, gate=1)
    keys = walk(page_of(installation, title))
    tab = keys.tab

    keys.press(tab.locator("#head").get_by_text(re.compile("^Cancel run…")))
    dialog = tab.get_by_role("dialog")
    keys.write(dialog.get_by_label("Reason"), "OPS-43")
    keys.follow(dialog.get_by_role("button", name="Cancel run"))

    installation.wait_for(thread, "idle", "interrupted", "error")
    expect(tab.locator("#head").get_by_text(re.compile("^Cancel run…"))).to_have_count(0)
    assert keys.losses() == []


def test_a_fork_is_made(installation: Installation, walk: Walk) -> None:
    keys = walk(page_of(installation, FORKED, "checkpoints"))
    tab = keys.tab
    thread = installation.threads[FORKED]
    with installation.api(OPERATOR) as api:
        before = len(api.get(f"/threads/{thread}/history", params={"limit": 100}).json())

        keys.press(tab.get_by_role("main").get_by_text(re.compile("^Fork from here")).first)
        keys.write(tab.get_by_label(re.compile("^Name")), "cheaper")
        keys.write(tab.get_by_label("Reason"), "OPS-44")
        keys.follow(tab.get_by_role("button", name="Create fork", exact=True))

        expect(tab.get_by_role("main")).to_contain_text("cheaper")
        after = len(api.get(f"/threads/{thread}/history", params={"limit": 100}).json())
    assert after == before + 1
    assert keys.losses() == []


def test_a_grant_is_given(installation: Installation, walk: Walk, asked: str) -> None:
    keys = walk(page_of(installation, asked, "access"))
    tab = keys.tab

    keys.write(tab.get_by_role("combobox", name="Name"), "stranger")
    keys.go(tab.get_by_label("Role"))
    tab.keyboard.type("viewer")
    keys.follow(tab.get_by_role("button", name="Check the effect"))
    expect(tab.get_by_role("main")).to_contain_text("1 person gains")
    keys.follow(tab.get_by_role("button", name="Save access"))

    expect(tab.get_by_role("main").get_by_role("table").first).to_contain_text("stranger")
    with installation.api("stranger") as api:
        assert api.get(f"/threads/{installation.threads[asked]}").is_success
    assert keys.losses() == []


def test_the_focus_stays_while_the_page_moves(installation: Installation, walk: Walk) -> None:
    title = f"moving-{installation.next_number()}"
    thread = installation.thread(title, rounds=3, gate=1)
    keys = walk(page_of(installation, title))
    link = keys.go(keys.tab.locator("svg.graph").get_by_role("link", name=re.compile("^work")))

    installation.open_gate(thread, 3)

    expect(keys.tab.locator("#head")).to_contain_text("Idle")
    expect(link).to_be_focused()
    assert keys.losses() == []
