"""What the routes below one thread share."""

from __future__ import annotations

from uuid import UUID

from threadhub.kernel.api.views import ProtectedView
from threadhub.kernel.errors import Invalid, NotVisible
from threads_app.models import Run, Thread


class ThreadRoute(ProtectedView):
    """A route below /threads/{thread_id}."""

    protected = Thread

    def find_thread(self, thread_id: str, *related: str) -> Thread:
        """Return the thread. Raises NotVisible, NotAllowed, Invalid for what is no id."""
        found: Thread
        try:
            found = self.find(*related, public_id=thread_id.replace("\x00", "\ufffd"))
        except NotVisible:
            # Imported threads keep ids of any form; LangGraph's server knows UUIDs only.
            parse_id(thread_id, "thread_id")
            raise
        return found


class RunRoute(ProtectedView):
    """A route below /threads/{thread_id}/runs/{run_id}."""

    protected = Run

    def find_run(self, thread_id: str, run_id: str) -> Run:
        """Return the run of that thread. Raises NotVisible, NotAllowed, Invalid."""
        public_id = parse_id(run_id, "run_id")
        key = thread_id.replace("\x00", "\ufffd")
        run: Run = self.find("thread", "graph", public_id=public_id, thread__public_id=key)
        return run


def parse_id(text: str, name: str) -> UUID:
    """Return the id. Raises Invalid (422) for anything but a UUID."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(f"{name} must be a UUID.", fields={name: ["Not a UUID."]}) from None
