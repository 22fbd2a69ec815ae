"""Pictures of every page for people to look at: `make screenshots`; no test of the suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from browser.conftest import SignIn
from browser.gates import LANGUAGES, THEMES, set_theme
from browser.installation import Installation
from browser.pages import PAGES, Page
from services.threadhub_process import ROOT

FOLDER = Path(os.environ.get("SCREENSHOTS") or ROOT / "var" / "screenshots")
WINDOWS = ((1440, 900), (390, 844))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file_name)
def test_a_page_is_pictured(
    page: Page, language: str, installation: Installation, sign_in: SignIn
) -> None:
    tab, _ = page.opened(sign_in(page.who, language=language), installation)
    for width, height in WINDOWS:
        tab.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            set_theme(tab, theme)
            name = f"{page.file_name}.{language}.{theme}.{width}.png"
            tab.screenshot(path=FOLDER / name, full_page=True, animations="disabled")
