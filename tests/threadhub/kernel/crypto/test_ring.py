"""The key ring: what one key sealed opens with that key, in that place, and nowhere else."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from services.threadhub_process import ROOT, free_port
from threadhub.kernel.crypto import ring
from threadhub.kernel.crypto.ring import KeyMissing, KeyRing, RingInvalid, WrongKey

PLACE = b"people.note:1"


@given(st.binary(max_size=2000), st.binary(max_size=50))
def test_what_is_encrypted_opens_again_in_its_place(plaintext: bytes, context: bytes) -> None:
    keys = KeyRing.new()
    token = keys.encrypt(plaintext, context=context)

    assert keys.decrypt(token, context=context) == plaintext
    with pytest.raises(WrongKey):
        keys.decrypt(token, context=context + b"x")


def test_the_same_value_never_looks_the_same_twice() -> None:
    keys = KeyRing.new()

    assert keys.encrypt(b"secret", context=PLACE) != keys.encrypt(b"secret", context=PLACE)


def test_the_token_is_the_documented_one() -> None:
    token = KeyRing.new(key_id="k7").encrypt(b"secret", context=PLACE)

    assert token[:4] == b"\x01\x02k7"
    assert len(token) == 4 + 12 + len(b"secret") + 16
    assert ring.key_id_of(token) == "k7"


def test_another_key_of_the_same_name_does_not_open_it() -> None:
    token = KeyRing.new().encrypt(b"secret", context=PLACE)

    with pytest.raises(WrongKey, match="k1 does not open"):
        KeyRing.new().decrypt(token, context=PLACE)


def test_a_changed_value_is_refused_wherever_it_was_changed() -> None:
    keys = KeyRing.new()
    token = keys.encrypt(b"secret", context=PLACE)

    for place in range(len(token)):
        changed = bytearray(token)
        changed[place] ^= 1
        with pytest.raises((WrongKey, KeyMissing)):
            keys.decrypt(bytes(changed), context=PLACE)


@pytest.mark.parametrize("token", [b"", b"\x01", b"\x01\xff", b"\x02\x02k1" + bytes(40), bytes(9)])
def test_what_is_no_token_is_refused(token: bytes) -> None:
    with pytest.raises(WrongKey, match="no encrypted value"):
        KeyRing.new().decrypt(token, context=PLACE)


def test_a_key_that_is_not_on_the_ring_is_named() -> None:
    token = KeyRing.new(key_id="k9").encrypt(b"secret", context=PLACE)

    with pytest.raises(KeyMissing, match="k9 is not on the key ring"):
        KeyRing.new().decrypt(token, context=PLACE)


def test_with_two_keys_the_new_one_encrypts_and_both_decrypt() -> None:
    old = KeyRing.new()
    both = old.with_new_key()
    before = old.encrypt(b"before", context=PLACE)
    after = both.encrypt(b"after", context=PLACE)

    assert (ring.key_id_of(before), ring.key_id_of(after)) == ("k1", "k2")
    assert both.decrypt(before, context=PLACE) == b"before"
    assert both.decrypt(after, context=PLACE) == b"after"
    assert list(KeyRing.parse(both.text())) == ["k1", "k2"]
    assert KeyRing.parse(both.text()).decrypt(after, context=PLACE) == b"after"


KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        '{"keys": {}}',
        json.dumps({"active": "k1", "keys": {"k1": "short"}}),
        json.dumps({"active": "k1", "keys": {"k1": KEY[:-4]}}),
        json.dumps({"active": "k2", "keys": {"k1": KEY}}),
        json.dumps({"active": "K 1", "keys": {"K 1": KEY}}),
        json.dumps({"active": "k1", "keys": {"k1": 7}}),
        json.dumps({"active": "k1", "keys": KEY}),
    ],
)
def test_a_malformed_ring_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(RingInvalid) as refused:
        KeyRing.parse(text)

    assert KEY[:8] not in refused.value.message


def test_an_installation_without_a_ring_is_told_how_to_make_one(settings: Any) -> None:
    settings.KEYS = None
    settings.KEYS_PATH = None

    with pytest.raises(KeyMissing, match=r"manage\.py create_key.*THREADHUB_KEYS_FILE"):
        ring.current()


def test_a_file_that_cannot_be_read_is_named(settings: Any, tmp_path: Path) -> None:
    settings.KEYS = None
    settings.KEYS_PATH = tmp_path / "file" / "ring.json"
    (tmp_path / "file").touch()

    with pytest.raises(ring.keyfile.KeyFileUnreadable, match=r"ring\.json cannot be read"):
        ring.current()


MAKE = "from threadhub.kernel.crypto import ring; print(ring.current().text())"


def test_processes_that_start_together_make_one_private_ring(
    child_environment: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", MAKE]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [
        subprocess.Popen(command, cwd=ROOT, env=child_environment, **pipes) for _ in range(2)
    ]
    told = [process.communicate(timeout=60) for process in started]

    path = tmp_path / "var" / "keys" / "ring.json"
    assert {out.strip() for out, _ in told} == {path.read_text().strip()}
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.stat(path.parent).st_mode & 0o777 == 0o700
    assert sum("A key ring was made" in errors for _, errors in told) == 1
    assert sorted(found.name for found in path.parent.iterdir()) == ["django", "ring.json"]


def test_the_command_makes_a_first_ring_and_then_one_with_another_key(
    settings: Any, tmp_path: Path
) -> None:
    settings.KEYS = None
    printed, path = StringIO(), tmp_path / "ring.json"
    call_command("create_key", stdout=printed)
    settings.KEYS = printed.getvalue()
    call_command("create_key", file=str(path))

    first, second = json.loads(printed.getvalue()), json.loads(path.read_text())
    assert (first["active"], list(first["keys"])) == ("k1", ["k1"])
    assert (second["active"], list(second["keys"])) == ("k2", ["k1", "k2"])
    assert second["keys"]["k1"] == first["keys"]["k1"]
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_the_command_never_replaces_a_file(tmp_path: Path) -> None:
    path, told = tmp_path / "ring.json", StringIO()
    path.write_text("the ring in use")

    with pytest.raises(SystemExit) as ended:
        call_command("create_key", file=str(path), stderr=told)

    assert ended.value.code == 2 and "ring.json cannot be made (File exists)" in told.getvalue()
    assert path.read_text() == "the ring in use"


def manage(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_a_server_with_the_wrong_ring_says_so_in_one_sentence(
    child_environment: dict[str, str],
) -> None:
    prepare = "from threadhub.ops import preparing; preparing.migrate()"
    environment = {**child_environment, "THREADHUB_PORT": str(free_port())}
    assert manage(environment, "shell", "--no-imports", "-c", prepare).returncode == 0

    refused = manage({**environment, "THREADHUB_KEYS": KeyRing.new().text()}, "serve")

    assert refused.returncode == 2
    assert refused.stderr.strip() == (
        "The key k1 is not the one this database was written with. "
        "Give the ring that was in use: THREADHUB_KEYS or THREADHUB_KEYS_FILE."
    )
