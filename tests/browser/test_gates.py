"""The gates find what they are there for: a page with every fault is told each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Route
from playwright.sync_api import Page as Tab

from browser import gates
from browser.keyboard import Keyboard

pytestmark = pytest.mark.slow

ORIGIN = "http://console.test"
POLICY = "default-src 'self'; script-src 'self'; style-src 'self' 'nonce-given'"
FAULTY = """<!doctype html><html lang="en"><title>Faulty page</title>
<style nonce="given">
  :focus-visible { outline: 2px solid } .hidden { outline: none !important }
  main { color: #999; background: #fff } .wide { width: 500px }
  .scroller { overflow: auto; width: 100px }
</style>
<main><h1>Threads</h1>
<p style="color: red">Nothing is translated here</p><p class="mono">kept as it is</p>
<div class="scroller"><div class="wide">scrolls inside</div></div>
<div class="wide">reaches out</div>
<button class="hidden">Lost</button><button>Seen</button>
<img alt="" src="http://elsewhere.test/pixel.png"></main>"""


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1000, "height": 700})
    made.route("**/*", _answer)
    yield made
    made.close()


def _answer(route: Route) -> None:
    headers = {"content-security-policy": POLICY, "content-type": "text/html"}
    route.fulfill(headers=headers, body=FAULTY)


@pytest.fixture
def faulty(context: BrowserContext) -> Tab:
    return context.new_page()


def test_what_the_policy_refuses_and_what_goes_elsewhere_is_told(
    context: BrowserContext, faulty: Tab
) -> None:
    watcher = gates.Watcher(context, ORIGIN)
    faulty.goto(ORIGIN)
    with context.expect_event("weberror"):
        faulty.evaluate("console.error('broken'); setTimeout(() => { throw new Error('thrown') })")

    told = " ".join(watcher.of(faulty))

    assert "CSP: style-src-attr" in told
    assert "external: http://elsewhere.test/pixel.png" in told
    assert "console: broken" in told
    assert "error: thrown" in told
    assert watcher.of(faulty) == []


def test_colors_width_and_words_are_told(faulty: Tab) -> None:
    faulty.goto(ORIGIN)
    texts = gates.texts(faulty)

    assert any("color-contrast" in text for text in gates.axe(faulty, gates.COLORS))
    assert "320 px: div.wide" in gates.too_wide(faulty)
    assert faulty.viewport_size == {"width": 1000, "height": 700}
    assert gates.untranslated(texts, texts, "Faulty page, reaches out") == [
        "not translated: Nothing is translated here",
        "not translated: scrolls inside",
    ]


def test_a_focus_that_is_not_seen_or_lost_is_told(faulty: Tab) -> None:
    keys = Keyboard(faulty)
    faulty.goto(ORIGIN)

    keys.go(faulty.get_by_role("button", name="Lost"))
    assert keys.losses() == ["no mark: button Lost"]
    button = keys.go(faulty.get_by_role("button", name="Seen"))
    assert keys.losses() == []

    button.evaluate("""element => {
      dispatchEvent(new Event("htmx:beforeSwap"));
      element.remove();
      dispatchEvent(new Event("htmx:afterSettle"));
    }""")
    assert keys.losses() == ["focus lost: <button>Seen</button>"]
