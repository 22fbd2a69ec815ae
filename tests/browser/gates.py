"""What every page must pass, asked in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Request
    from playwright.sync_api import Page as Tab

THEMES = ("light", "dark")
LANGUAGES = ("en", "zh-hans")
# The same elements in other colors or words: these rules can tell something new.
COLORS = ["color-contrast", "link-in-text-block"]
# Two words of Latin letters in a row are a sentence somebody forgot.
ENGLISH = re.compile(r"[A-Za-z][a-z]+\s+[A-Za-z]*[a-z]{2,}")
LISTEN = """
window.refused = [];
addEventListener("securitypolicyviolation", (event) =>
  window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
# Everything a reader meets: texts, names, hints; data says of itself that it is not translated.
TEXTS = """() => {
  const skipped = ".mono, code, pre, time, kbd, samp, textarea, script, style, template";
  const shown = (element) => !element.closest(`${skipped}, [translate=no]`);
  const found = new Set([document.title]);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (shown(walker.currentNode.parentElement)) found.add(walker.currentNode.data);
  }
  for (const element of document.body.querySelectorAll("*")) {
    for (const name of ["aria-label", "title", "placeholder", "alt"]) {
      if (element.hasAttribute(name) && shown(element)) found.add(element.getAttribute(name));
    }
  }
  return [...found].map((text) => text.replace(/\\s+/g, " ").trim()).filter(Boolean);
}"""
# Elements that reach out of the window and are not inside something that scrolls by itself.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (element) => {
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
      if (getComputedStyle(at).overflowX !== "visible") return true;
    }
    return false;
  };
  if (document.scrollingElement.scrollWidth <= width) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((element) =>
    element.getBoundingClientRect().right > width + 1 && !scrolls(element));
  const names = wide.map((element) => `${element.tagName.toLowerCase()}.${element.className}`);
  return [`${document.scrollingElement.scrollWidth} px wide`, ...new Set(names)].slice(0, 9);
}"""


class Watcher:
    """Notes everything a browser context does that a page of the console must not do."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self._host = urlsplit(origin).netloc
        self.noted: list[str] = []
        context.add_init_script(LISTEN)
        context.on("request", self._request)
        context.on("console", self._console)
        context.on("weberror", lambda error: self._error(error.error))

    def of(self, tab: Tab) -> list[str]:
        """Return what was noted since the last time, with what the policy refused."""
        refused = [f"CSP: {text}" for text in tab.evaluate("window.refused.splice(0)")]
        noted, self.noted = self.noted, []
        return noted + refused

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.netloc != self._host:
            self.noted.append(f"external: {request.url}")

    def _console(self, message: ConsoleMessage) -> None:
        # A page that is meant to be refused says so in the console as well.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.noted.append(f"console: {message.text}")

    def _error(self, error: Error) -> None:
        self.noted.append(f"error: {error.message}")


def set_theme(tab: Tab, theme: str) -> None:
    """Show the page in a theme, as the switch in the menu does."""
    tab.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)


def axe(tab: Tab, rules: list[str] | None = None) -> list[str]:
    """Return the violations that axe finds: the rule, what it wants, where."""
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False, "iframes": False}
    if rules is not None:
        options["runOnly"] = rules
    found = Axe().run(tab, options=options).response["violations"]
    return [
        f"axe {rule['id']}: {node['target']} {node['html'][:160]} {_why(node)}"
        for rule in found
        for node in rule["nodes"][:5]
    ]


def _why(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return "; ".join(str(check["message"]) for check in checks)[:200]


def too_wide(tab: Tab) -> list[str]:
    """Return what makes the page scroll sideways in the smallest window it must fit."""
    before = tab.viewport_size
    tab.set_viewport_size({"width": 320, "height": 640})
    found = list(tab.evaluate(TOO_WIDE))
    if before:
        tab.set_viewport_size(before)
    return [f"320 px: {text}" for text in found]


def texts(tab: Tab) -> set[str]:
    """Return everything on the page that a reader meets in their language."""
    return set(tab.evaluate(TEXTS))


def untranslated(english: set[str], chinese: set[str], data: str) -> list[str]:
    """Return the sentences that are the same in both languages and are no data."""
    same = (text.removesuffix(" · ThreadHub") for text in english & chinese)
    # An error is told as its class and its message, which are kept apart.
    parts = ((text, text.rpartition("Error: ")[2]) for text in same if ENGLISH.search(text))
    return sorted(f"not translated: {text}" for text, part in parts if part not in data)
