"""Every page of the console: a new one joins the tests and the pictures by one line here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from browser import filling

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Response
    from playwright.sync_api import Page as Tab

    from browser.installation import Installation

# What an address is made with, found on the installation.
Arguments = Callable[["Installation"], tuple[object, ...]]


def nothing(_: Installation) -> tuple[object, ...]:
    """Return what an address without arguments is made with."""
    return ()


def thread(title: str) -> Arguments:
    """Return the arguments of the pages of the thread with that title."""
    return lambda on: (on.thread_key(title),)


def row(table: str, where: str = "1", *values: object) -> Arguments:
    """Return the arguments of the page of a table's first such row."""
    return lambda on: (on.key(table, where, *values),)


def sign_in_and_out(tab: Tab, on: Installation) -> None:
    """Sign in with a password and out again."""
    tab.locator("[name=username]").fill("stranger")
    tab.locator("[name=password]").fill(on.password("stranger"))
    with tab.expect_navigation():
        tab.locator("[name=password]").press("Enter")
    with tab.expect_navigation():
        tab.locator("form[action$='/logout/']").evaluate("form => form.requestSubmit()")


def select_all(tab: Tab, _: Installation) -> None:
    """Select every row of a list, so that its bar of actions shows."""
    boxes = tab.locator("thead input[type=checkbox]")
    if boxes.count():
        boxes.first.check()


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page: its name in tests and pictures, its address, who looks, what they do first."""

    name: str
    # A name in the address table, or an address of its own that begins with "/".
    view: str
    # Nobody is signed in where this is empty.
    who: str = "admin"
    args: Arguments = nothing
    query: str = ""
    status: int = 200
    act: Callable[[Tab, Installation], None] | None = None

    def address(self, on: Installation) -> str:
        """Return the page's address below the origin."""
        path = self.view if self.view.startswith("/") else reverse(self.view, args=self.args(on))
        return f"{path}?{self.query}" if self.query else path

    def opened(self, context: BrowserContext, on: Installation) -> tuple[Tab, Response]:
        """Open the page in a tab of its own; return it with the server's answer."""
        tab = context.new_page()
        answer = tab.goto(self.address(on), wait_until="load")
        assert answer is not None
        if self.act:
            self.act(tab, on)
        return tab, answer

    @property
    def file_name(self) -> str:
        """Return the name for files of this page."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def list_of(name: str, model: str, *, who: str = "admin", query: str = "") -> Page:
    """Return the list of a model."""
    return Page(name=name, view=f"admin:{model}_changelist", who=who, query=query)


def one_of(name: str, model: str, args: Arguments, *, who: str = "admin") -> Page:
    """Return the page of one row of a model."""
    return Page(name=name, view=f"admin:{model}_change", args=args, who=who)


def tab_of(name: str, tab: str, title: str, *, who: str = "operator", query: str = "") -> Page:
    """Return a tab of a thread's page."""
    view = f"admin:threads_app_thread_{tab}"
    return Page(name=name, view=view, args=thread(title), who=who, query=query)


OPERATE = (
    Page(name="Overview", view="admin:index", who="operator"),
    Page(name="Overview of an admin", view="admin:index"),
    Page(name="Overview of a stranger", view="admin:index", who="stranger"),
    list_of("Threads", "threads_app_thread", who="operator"),
    Page(
        name="Threads, selected",
        view="admin:threads_app_thread_changelist",
        who="operator",
        act=select_all,
    ),
    list_of("Threads, failed", "threads_app_thread", who="operator", query="status__exact=error"),
    list_of("Threads, no match", "threads_app_thread", who="operator", query="q=nowhere-at-all"),
    list_of("Threads of a stranger", "threads_app_thread", who="stranger"),
    Page(name="Needs you", view="admin:inbox", who="operator"),
    Page(name="Needs you, nothing", view="admin:inbox", who="stranger"),
    list_of("Sessions", "sessions_app_session", who="operator"),
    one_of("Session", "sessions_app_session", row("sessions_session"), who="operator"),
    list_of("Runs", "threads_app_run", who="operator"),
    one_of("Run", "threads_app_run", row("threads_run", "status = 'success'"), who="operator"),
    one_of("Run, failed", "threads_app_run", row("threads_run", "error_class != ''")),
    list_of("Operations", "threadhub_operation", who="operator"),
    one_of("Operation", "threadhub_operation", row("threadhub_operation"), who="operator"),
)
THREAD = (
    tab_of("Thread, waiting", "live", filling.WAITING),
    tab_of("Thread, running", "live", filling.RUNNING),
    tab_of("Thread, failed", "live", filling.FAILED),
    tab_of("Thread, finished", "live", filling.FINISHED),
    tab_of("Thread, empty", "live", filling.EMPTY),
    tab_of("Thread of a viewer", "live", filling.WAITING, who="viewer"),
    tab_of("Thread of an auditor", "live", filling.WAITING, who="auditor"),
    tab_of("Timeline", "timeline", filling.FINISHED),
    tab_of("Timeline, failed", "timeline", filling.FAILED),
    tab_of("State", "state", filling.FINISHED),
    tab_of("State, empty", "state", filling.EMPTY),
    tab_of("Checkpoints", "checkpoints", filling.FORKED),
    tab_of("Checkpoints of a viewer", "checkpoints", filling.FINISHED, who="viewer"),
    tab_of("Runs of a thread", "runs", filling.FAILED),
    tab_of("Access", "access", filling.WAITING),
    tab_of("Access of a viewer", "access", filling.WAITING, who="viewer"),
    Page(name="New thread", view="admin:threads_app_thread_add", who="operator"),
    Page(
        name="New thread of a graph",
        view="admin:threads_app_thread_add",
        who="operator",
        query="graph=pipeline",
    ),
    Page(
        name="Question",
        view="admin:threads_app_thread_question",
        who="operator",
        args=lambda on: (on.thread_key(filling.WAITING), on.question_key(filling.WAITING)),
    ),
    tab_of("Run a thread", "run", filling.FINISHED),
    tab_of("Resume a thread", "resume", filling.FAILED),
    tab_of("Cancel a run", "cancel", filling.RUNNING),
    tab_of("Rename a thread", "rename", filling.FINISHED),
    tab_of("Delete a thread", "remove", filling.FINISHED),
    tab_of("Fork a thread", "fork", filling.FORKED),
    tab_of(
        "Grant access",
        "access_grant",
        filling.WAITING,
        query="kind=user&name=stranger&role=viewer",
    ),
    tab_of("Revoke access", "access_revoke", filling.FINISHED, query="grant=1"),
    one_of("Thread, as the admin keeps it", "threads_app_thread", thread(filling.FINISHED)),
)
GOVERN = (
    list_of("Grants", "threadhub_rolegrant"),
    one_of("Grant", "threadhub_rolegrant", row("threadhub_role_grant")),
    list_of("Grants everywhere", "threadhub_globalgrant"),
    one_of("Grant everywhere", "threadhub_globalgrant", row("threadhub_global_grant")),
    list_of("Roles", "threadhub_role"),
    one_of("Role", "threadhub_role", row("threadhub_role")),
    list_of("Audit", "threadhub_auditentry", who="auditor"),
    one_of("Audit entry", "threadhub_auditentry", row("threadhub_audit_entry"), who="auditor"),
    list_of("Users", "auth_user"),
    one_of("User", "auth_user", row("auth_user", "username = 'viewer'")),
    Page(name="New user", view="admin:auth_user_add"),
    Page(
        name="Password of a user",
        view="admin:auth_user_password_change",
        args=row("auth_user", "username = 'viewer'"),
    ),
    Page(name="Delete a user", view="admin:auth_user_delete", args=row("auth_user", "id > 5")),
    list_of("Groups", "auth_group"),
    one_of("Group", "auth_group", row("auth_group")),
    Page(name="New group", view="admin:auth_group_add"),
    Page(name="Delete a group", view="admin:auth_group_delete", args=row("auth_group")),
)
SYSTEM = (
    list_of("Graphs", "threads_app_graph"),
    one_of("Graph", "threads_app_graph", row("threads_graph", "name = 'pipeline'")),
    one_of("Graph, failed", "threads_app_graph", row("threads_graph", "name = 'broken'")),
    list_of("API keys", "threadhub_apikey"),
    one_of("API key", "threadhub_apikey", row("threadhub_api_key")),
    Page(name="Own password", view="admin:password_change", who="operator"),
    Page(name="Own password, changed", view="admin:password_change_done", who="operator"),
    Page(name="Sign in", view="admin:login", who=""),
    Page(name="Signed out", view="admin:login", who="", act=sign_in_and_out),
    Page(name="Used link", view="/sign-in/used", who="", status=410),
    Page(name="Nothing there", view="/console/nowhere/", who="operator", status=404),
    Page(name="Not allowed", view="/console/auth/user/", who="operator", status=403),
)
PAGES = (*OPERATE, *THREAD, *GOVERN, *SYSTEM)

# What the address table holds that is no page of its own, and why.
NOT_PAGES = {
    "admin:app_list": "The navigation names the lists; nothing leads here.",
    "admin:autocomplete": "Answers a field.",
    "admin:threads_app_thread_access_people": "Answers a field.",
    "admin:threads_app_thread_state_download": "A file.",
    "admin:threads_app_thread_state_part": "A part of the tab State.",
    "admin:start_demo": "A POST of the overview.",
    "admin:jsi18n": "Words for scripts.",
    "admin:logout": "A POST; what it shows is the page Signed out.",
    "admin:view_on_site": "Leads elsewhere.",
}
NOT_PAGES_BY_KIND = {
    "_history": "Only what Django's own forms changed; the audit tells everything.",
}
