"""Small pieces of markup that every page shares: icons, states, people, moments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_noop, pgettext, pgettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import Promise
    from django.utils.safestring import SafeString

# What a stored status looks like: the class of the component, and its word.
LOOKS: dict[str, tuple[str, str | Promise]] = {
    "idle": ("idle", pgettext_lazy("status", "Idle")),
    "pending": ("pending", pgettext_lazy("status", "Pending")),
    "busy": ("running", pgettext_lazy("status", "Running")),
    "running": ("running", pgettext_lazy("status", "Running")),
    "waiting": ("waiting", pgettext_lazy("status", "Waiting")),
    "interrupted": ("waiting", pgettext_lazy("status", "Waiting")),
    "open": ("waiting", pgettext_lazy("status", "Open")),
    "success": ("success", pgettext_lazy("status", "Done")),
    "done": ("success", pgettext_lazy("status", "Done")),
    "finished": ("success", pgettext_lazy("status", "Done")),
    "answered": ("success", pgettext_lazy("status", "Answered")),
    "loaded": ("success", pgettext_lazy("status", "Ready")),
    "error": ("error", pgettext_lazy("status", "Failed")),
    "failed": ("error", pgettext_lazy("status", "Failed")),
    "timeout": ("error", pgettext_lazy("status", "Timed out")),
    "cancelled": ("cancelled", pgettext_lazy("status", "Cancelled")),
    "skipped": ("cancelled", pgettext_lazy("status", "Skipped")),
    "dropped": ("cancelled", pgettext_lazy("status", "Dropped")),
    "gone": ("cancelled", pgettext_lazy("status", "Gone")),
    "blocked": ("blocked", pgettext_lazy("status", "Blocked")),
    "archived": ("archived", pgettext_lazy("status", "Archived")),
}
# States that ask nobody to look: icon and word without a tint.
QUIET = frozenset({"idle", "pending", "success", "cancelled", "archived"})
_SECONDS = gettext_noop("%d s ago")
_MINUTES = gettext_noop("%d min ago")
_HOURS = gettext_noop("%d h ago")
_DAYS = gettext_noop("%d d ago")
AVATARS = ("a", "b", "c", "d")


@cache
def icon(name: str, classes: str = "icon") -> SafeString:
    """Return an icon of the sprite; what it means stands in words beside it."""
    address = f"{static('threadhub/icons.svg')}#{name}"
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, address
    )


def look(status: str) -> tuple[str, str]:
    """Return the class (without `is-`) and the word of a stored status."""
    name, word = LOOKS.get(status, ("idle", status))
    return name, str(word)


def badge(status: str, text: str = "", classes: str = "") -> SafeString:
    """Return a status as icon, word and color; `text` replaces the word."""
    name, word = look(status)
    quiet = "badge--quiet" if name in QUIET else ""
    picture = icon(f"s-{name}", "icon spin" if name == "running" else "icon")
    every = " ".join(filter(None, ("badge", quiet, classes, f"is-{name}")))
    return format_html('<span class="{}">{}{}</span>', every, picture, text or word)


def person(user: Any) -> SafeString:
    """Return somebody's initials and name."""
    return format_html('<span class="person">{}{}</span>', avatar(user), name_of(user))


def avatar(user: Any) -> SafeString:
    """Return the initials of a person alone; the name stands beside them."""
    hue = AVATARS[(user.pk or 0) % len(AVATARS)]
    initials = _initials(name_of(user))
    return format_html(
        '<span class="avatar avatar--{}" aria-hidden="true">{}</span>', hue, initials
    )


def name_of(user: Any) -> str:
    """Return the full name, or the name to sign in with."""
    return str(user.get_full_name() or user.get_username())


def level(user: Any) -> str:
    """Return what a person may everywhere, in a word."""
    if user.is_superuser:
        return pgettext("person", "Superuser")
    return pgettext("person", "Admin") if user.is_staff else pgettext("person", "Member")


def _initials(name: str) -> str:
    words = name.replace(".", " ").replace("_", " ").replace("-", " ").split() or ["?"]
    return "".join(word[0] for word in words[:2]).upper()


def ago(moment: datetime | None, *, now: datetime | None = None) -> SafeString:
    """Return how long ago a moment was, with the moment itself for machines and on hover."""
    if moment is None:
        return format_html('<span class="faint">{}</span>', "–")
    now = now or timezone.now()
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        moment.isoformat(),
        f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        _since(int((now - moment).total_seconds()), moment),
    )


def moment(when: datetime) -> SafeString:
    """Return a moment to the second in the time zone of the page, with UTC on hover."""
    return format_html(
        '<time class="nowrap" datetime="{}" title="{}">{}</time>',
        when.isoformat(),
        f"{when:%Y-%m-%d %H:%M:%S} UTC",
        f"{localtime(when):%Y-%m-%d %H:%M:%S}",
    )


def mono(text: object) -> SafeString:
    """Return what a person may copy: an id, a name of code."""
    return format_html('<span class="mono wrap-any">{}</span>', text)


def with_icon(name: str, text: str) -> SafeString:
    """Return a name with the icon that says what kind of thing it is."""
    return format_html('<span class="person">{}{}</span>', icon(name, "icon faint"), text)


def group(people: Any) -> SafeString:
    """Return the name of a group of people."""
    return with_icon("users", str(people))


def tags(words: Iterable[str]) -> SafeString:
    """Return short words side by side."""
    marked = format_html_join("", '<span class="tag">{}</span>', ((word,) for word in words))
    return format_html('<span class="row row--wrap row--tight">{}</span>', marked)


def ago_words() -> str:
    """Return what `ago` says, shortest time first, for the script that keeps it current."""
    units = (_SECONDS, _MINUTES, _HOURS, _DAYS)
    return "|".join((gettext("just now"), *(gettext(unit) for unit in units)))


def _since(seconds: int, moment: datetime) -> str:
    if seconds < 0:
        return f"{localtime(moment):%Y-%m-%d %H:%M}"
    if seconds < 5:
        return gettext("just now")
    if seconds < 60:
        return gettext(_SECONDS) % seconds
    if seconds < 3600:
        return gettext(_MINUTES) % (seconds // 60)
    if seconds < 86400:
        return gettext(_HOURS) % (seconds // 3600)
    if seconds < 7 * 86400:
        return gettext(_DAYS) % (seconds // 86400)
    return f"{localtime(moment):%Y-%m-%d}"


def duration(seconds: float | None) -> str:
    """Return a length of time to read: 420 ms, 1.48 s, 12 min 5 s, 3 h 20 min."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return gettext("%d ms") % round(seconds * 1000)
    if seconds < 60:
        return gettext("%s s") % f"{seconds:.3g}"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return gettext("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}
    hours, minutes = divmod(minutes, 60)
    return gettext("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}


def size(count: int | None) -> str:
    """Return a number of bytes to read: 512 B, 12 KB, 3.4 MB."""
    if count is None:
        return "–"
    value = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("unreachable")
