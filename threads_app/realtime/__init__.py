"""What of threads can be watched."""

from __future__ import annotations

from threadhub.kernel import realtime

from .inbox import InboxTopic
from .lists import ThreadListTopic
from .overview import OverviewTopic
from .thread import ThreadTopic

for topic in (ThreadTopic(), InboxTopic(), OverviewTopic(), ThreadListTopic()):
    realtime.register(topic)
