"""Logs without secrets; metadata and ids that databases can keep."""

from __future__ import annotations

import json
import logging
import uuid

import pytest

from threadhub.kernel.errors import Invalid
from threadhub.kernel.ids import new_id
from threadhub.kernel.models import METADATA_MAX_BYTES, clean_metadata
from threadhub.kernel.observability import correlation
from threadhub.kernel.observability.logging import JsonFormatter, RedactingFilter, TextFormatter
from threadhub.kernel.observability.redaction import MASK, redact

CANARY = "hunter2canary"
SECRETS = [
    f"https://user:{CANARY}@example.org/x",
    f"Authorization: Bearer {CANARY}{CANARY}",
    f"thub_{CANARY}",
    f"sk-{CANARY}{CANARY}",
    f"password={CANARY}",
    f"?token={CANARY}&x=1",
]


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_never_reach_a_log_line(formatter: logging.Formatter, secret: str) -> None:
    try:
        raise ValueError(secret)
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("threadhub", 40, "f", 1, "said %s", (secret,), info)
    record.password = CANARY
    record.detail = {"nested": {"api_key": CANARY, "list": [secret]}}
    assert RedactingFilter().filter(record)

    line = formatter.format(record)

    assert CANARY not in line and MASK in line


def test_a_json_line_carries_the_correlation_id_and_extra_fields() -> None:
    record = logging.LogRecord("threadhub", 20, "f", 1, "started", (), None)
    record.run = "r1"

    with correlation.correlated("c1"):
        line = json.loads(JsonFormatter().format(record))

    assert (line["message"], line["correlation_id"], line["run"]) == ("started", "c1", "r1")


def test_redaction_keeps_what_is_no_secret() -> None:
    value = {"token_count": 3, "author": "ann", "list": [1, "plain"], "tokens": "x"}

    assert redact(value) == value


def test_a_callers_request_id_is_cut_and_printable() -> None:
    with correlation.correlated(client="a\r\nb" + "c" * 100 + "é"):
        assert correlation.client_id() == "ab" + "c" * 62


def test_metadata_is_cleaned_and_limited() -> None:
    assert clean_metadata({"a\x00": "b\x00\ud800", "n": [1, None, {"x": True}]}) == {
        "a\ufffd": "b\ufffd\ufffd",
        "n": [1, None, {"x": True}],
    }
    deep: object = "x"
    for _ in range(20):
        deep = [deep]
    for wrong in ([], "x", {"d": deep}, {"big": "x" * METADATA_MAX_BYTES}, {"n": float("nan")}):
        with pytest.raises(Invalid):
            clean_metadata(wrong)


def test_ids_sort_by_time_and_are_version_7() -> None:
    ids = [new_id() for _ in range(200)]

    assert len(set(ids)) == 200
    assert {(i.version, i.variant) for i in ids} == {(7, uuid.RFC_4122)}
    assert [i.int >> 80 for i in ids] == sorted(i.int >> 80 for i in ids)
