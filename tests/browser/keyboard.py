"""A person without a mouse, who walks by keys alone and must always see where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from playwright.sync_api import Page as Tab

# More than any page has; a page that needs them all is its own failure.
STOPS = 120
# Where the focus is and whether it can be seen; "" when it is as it should be.
LOOK = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at === document.documentElement) return "";
  const name = `${at.tagName.toLowerCase()} ${(at.textContent || at.name || "").trim()}`;
  const marks = (element) => {
    const style = getComputedStyle(element);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
      || style.boxShadow !== "none";
  };
  const within = at.closest("label, .chip, .search, .field");
  // Inside a drawing the mark is on the shape.
  const shapes = at.namespaceURI.endsWith("svg") ? [...at.querySelectorAll("rect, path")] : [];
  const stroked = shapes.some((shape) => parseFloat(getComputedStyle(shape).strokeWidth) >= 2);
  // The browser marks the parts of a date itself, where no script can look.
  const isDate = at.matches("input[type^=date], input[type=time]");
  if (!isDate && !marks(at) && !(within && marks(within)) && !stroked) return `no mark: ${name}`;
  const box = at.getBoundingClientRect();
  if (box.width < 2 || box.height < 2) return `no size: ${name}`;
  const isOut = box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth;
  return isOut ? `out of sight: ${name}` : "";
}"""
# A part that was exchanged under a person's hands must leave them where they were.
LOSSES = """
window.losses = [];
let before = null;
const isSomewhere = () => document.activeElement && document.activeElement !== document.body;
addEventListener("htmx:beforeSwap", () => {
  before = isSomewhere() ? document.activeElement.outerHTML.slice(0, 120) : null;
}, true);
addEventListener("htmx:afterSettle", () => {
  if (before && !isSomewhere()) window.losses.push(`focus lost: ${before}`);
  before = null;
}, true);
"""


class Keyboard:
    """Walks a page by its keys; `unseen` collects the places where the focus did not show."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.unseen: list[str] = []
        tab.add_init_script(LOSSES)

    def go(self, target: Locator) -> Locator:
        """Press Tab until the target has the focus. Raises AssertionError when it never has."""
        target.wait_for(state="attached")
        for _ in range(STOPS):
            if target.evaluate("element => element === document.activeElement"):
                return target
            self.tab.keyboard.press("Tab")
            self._look()
        raise AssertionError(f"Tab never reaches {target}")

    def press(self, target: Locator, key: str = "Enter") -> None:
        """Go there and press a key."""
        self.go(target)
        self.tab.keyboard.press(key)

    def follow(self, link: Locator) -> None:
        """Go to a link or button, press Enter and wait for the page it leads to."""
        self.go(link)
        with self.tab.expect_navigation():
            self.tab.keyboard.press("Enter")

    def write(self, field: Locator, text: str) -> None:
        """Go to a field and put this text in it."""
        self.go(field)
        self.tab.keyboard.press("ControlOrMeta+a")
        self.tab.keyboard.type(text)

    def choose(self, options: Locator, label: str) -> None:
        """Choose one of a group of radio buttons: Tab to the group, arrows inside it."""
        # Tab stops at the chosen one, or at the first while none is.
        chosen = options.and_(self.tab.locator(":checked"))
        self.go(chosen if chosen.count() else options.first)
        for _ in range(options.count()):
            if self.tab.evaluate("document.activeElement.labels[0].textContent.trim()") == label:
                self.tab.keyboard.press("Space")
                return
            self.tab.keyboard.press("ArrowDown")
            self._look()
        raise AssertionError(f"No choice is called {label}")

    def losses(self) -> list[str]:
        """Return what was wrong with the focus on this page so far."""
        found = [*self.unseen, *self.tab.evaluate("window.losses.splice(0)")]
        self.unseen = []
        return found

    def _look(self) -> None:
        if wrong := self.tab.evaluate(LOOK):
            self.unseen.append(str(wrong))
