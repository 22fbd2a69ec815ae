"""Every page of the console, in both themes and both languages, passes the same gates."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Response

from browser import gates
from browser.conftest import SignIn
from browser.gates import Watcher
from browser.installation import Installation
from browser.pages import PAGES, Page

pytestmark = pytest.mark.slow

POLICY = {"script-src 'self'", "style-src 'self'", "form-action 'self'"}


def lacking(page: Page, answer: Response) -> list[str]:
    """Return what the server's answer is not and should be."""
    policy = answer.headers.get("content-security-policy", "")
    missing = POLICY - {part.strip() for part in policy.split(";")}
    found = [f"policy lacks {part}" for part in sorted(missing)]
    if "unsafe" in policy:
        found.append("the policy has an unsafe exception")
    if answer.status != page.status:
        found.append(f"status {answer.status}, {page.status} expected")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file_name)
def test_a_page_passes_every_gate(
    page: Page,
    installation: Installation,
    sign_in: SignIn,
    watch: Callable[[BrowserContext], Watcher],
    data: str,
) -> None:
    found: dict[str, list[str]] = {}
    texts: dict[str, set[str]] = {}
    for language in gates.LANGUAGES:
        context = sign_in(page.who, language=language)
        watcher = watch(context)
        tab, answer = page.opened(context, installation)
        found[language] = lacking(page, answer)
        texts[language] = gates.texts(tab)
        if tab.locator("html").get_attribute("lang") != language:
            found[language].append("the page is in another language")
        # Asked for before axe, which is no part of the page.
        found[language] += watcher.of(tab)
        gates.set_theme(tab, "light")
        found[language] += gates.axe(tab)
        gates.set_theme(tab, "dark")
        found[f"{language}, dark"] = gates.axe(tab, gates.COLORS)
        found[language] += gates.too_wide(tab)
        context.close()
    english, chinese = (texts[language] for language in gates.LANGUAGES)
    found["zh-hans"] += gates.untranslated(english, chinese, data)

    wrong = [f"{where}: {text}" for where, what in found.items() for text in what]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


@pytest.fixture(scope="session")
def data(installation: Installation) -> str:
    """Return the texts that are the same in every language: what people and graphs wrote."""
    return installation.every_text()
