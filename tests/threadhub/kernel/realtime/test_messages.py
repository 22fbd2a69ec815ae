"""What clients may say, and how the server writes."""

from __future__ import annotations

import json

import pytest

from threadhub.kernel.realtime import messages
from threadhub.kernel.realtime.messages import Close, Closing, Said


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "no json",
        "[]",
        "1",
        "{}",
        '{"type": 1}',
        '{"type": []}',
        '{"type": "shout"}',
        '{"type": "hello"}',
        '{"type": "hello", "v": "1"}',
        '{"type": "sub"}',
        '{"type": "sub", "topic": 1}',
        '{"type": "sub", "topic": "%s"}' % ("x" * 401),
        '{"type": "sub", "topic": "inbox", "since": -1}',
        '{"type": "sub", "topic": "inbox", "since": 9223372036854775808}',
        '{"type": "sub", "topic": "inbox", "since": true}',
        '{"type": "sub", "topic": "inbox", "deltas": 1}',
        '{"type": "ack", "topic": "inbox"}',
        '{"type": "ack", "topic": "inbox", "seq": 1.5}',
        "[" * 20_000,
        '{"type": "ping", "x": "%s"}' % ("x" * 65_536),
    ],
)
def test_what_the_protocol_does_not_know_is_a_bad_message(text: str | None) -> None:
    with pytest.raises(Closing) as raised:
        messages.parse(text)

    assert raised.value.code is Close.BAD_MESSAGE


def test_a_message_may_say_more_than_is_known() -> None:
    assert messages.parse('{"type": "ping", "new": 1}') == Said("ping")
    assert messages.parse('{"type": "sub", "topic": "inbox", "since": null}') == Said(
        "sub", "inbox"
    )


def test_parts_that_are_json_already_are_put_together() -> None:
    written = messages.events("t", epoch="e", first=1, last=2, items=['{"seq":1}'], dropped=1)

    assert json.loads(written) == {
        "type": "events",
        "topic": "t",
        "epoch": "e",
        "from": 1,
        "to": 2,
        "dropped": 1,
        "items": [{"seq": 1}],
    }
    assert json.loads(messages.snapshot("t", epoch="", seq=1, data="1"))["data"] == 1


def test_a_snapshot_that_is_too_large_is_named_with_its_size() -> None:
    data = f'"{"x" * messages.LARGEST_SENT}"'
    written = json.loads(messages.snapshot("t", epoch="", seq=1, data=data))

    assert (written["data"], written["size"]) == (None, len(data))
