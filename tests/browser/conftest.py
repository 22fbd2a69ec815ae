"""A real browser on a real server; both are started once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from browser import filling, results
from browser.gates import Watcher
from browser.installation import Installation
from services import requirement
from threadhub.ops.rehearsal import binaries

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
]
WINDOW = {"width": 1440, "height": 900}
SignIn = Callable[..., BrowserContext]


# No longer than a file: while it runs, an event loop does, beside which Django refuses to query.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run the system's browser; skip by name where it is missing."""
    program = binaries.chromium()
    if program is None:
        requirement.lacking("Chromium is not installed.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(program), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Run a server with something of everything on it; tests leave what they find."""
    made = Installation(tmp_path_factory.mktemp("browser"))
    try:
        made.start()
        filling.fill(made)
        yield made
    finally:
        made.server.kill()


@pytest.fixture
def sign_in(browser: Browser, installation: Installation) -> Iterator[SignIn]:
    """Return a function that opens a browser context of one of the people, or of nobody."""
    opened: list[BrowserContext] = []

    def enter(who: str = "", *, language: str = "en", origin: str = "") -> BrowserContext:
        origin = origin or installation.origin
        context = browser.new_context(
            base_url=origin, viewport=WINDOW, reduced_motion="reduce", locale=language
        )
        context.set_default_timeout(20_000)
        cookies = {"sessionid": installation.cookies[who]} if who else {}
        for name, value in {**cookies, "django_language": language}.items():
            context.add_cookies([{"name": name, "value": value, "url": origin}])
        opened.append(context)
        return context

    yield enter
    for context in opened:
        context.close()


@pytest.fixture
def watch(installation: Installation) -> Callable[[BrowserContext], Watcher]:
    """Return a function that notes what a context does and must not do."""
    return lambda context: Watcher(context, installation.origin)


@pytest.fixture(scope="session")
def long_form(seed: int) -> Iterator[results.LongForm]:
    """Return what keeps the figures of rounds, and writes them down in the long form."""
    kept = results.LongForm(seed)
    yield kept
    kept.write()
