"""The key ring: named keys, one of which encrypts while all of them decrypt.

The cipher is AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits, which is safe for
2^32 values a key. An encrypted value is

    version (1 byte, 0x01) | length of the key id (1 byte) | key id (ASCII)
    | nonce (12 bytes) | ciphertext | tag (16 bytes)

Authenticated beside it, but not stored, are everything before the nonce and the caller's
context: the place the value belongs to, so that it opens nowhere else.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from threadhub.kernel.errors import Invalid

from . import keyfile

VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_ID = re.compile(r"[a-z0-9_-]{1,32}")


class RingInvalid(Invalid):
    """The text of the ring cannot be used; the message never repeats it."""

    code = "key_ring_invalid"


class KeyMissing(Invalid):
    """A key that is needed is not on the ring; the message names it and what to give."""

    code = "key_missing"


class WrongKey(Invalid):
    """The key of that name is another one, or the value was changed or moved."""

    code = "wrong_key"


class KeyRing:
    """Keys by id; `active` is the one that encrypts."""

    def __init__(self, *, active: str, keys: Mapping[str, bytes]) -> None:
        """Take the keys. Raises RingInvalid."""
        if active not in keys:
            raise RingInvalid(f"The key ring's active key {active!r} is not among its keys.")
        for key_id, key in keys.items():
            if not KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES:
                raise RingInvalid(
                    f"The key ring's key {key_id[:40]!r} is no key: a name of a-z, 0-9, - and _, "
                    f"and {KEY_BYTES} bytes in base64."
                )
        self.active = active
        self._keys = dict(keys)

    @classmethod
    def new(cls, *, key_id: str = "k1") -> KeyRing:
        """Return a ring with one new key."""
        return cls(active=key_id, keys={key_id: os.urandom(KEY_BYTES)})

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Return the ring written as `{"active": "k1", "keys": {"k1": "<base64>"}}`.

        Raises RingInvalid.
        """
        try:
            found: Any = json.loads(text)
            keys = {str(key_id): _decoded(key) for key_id, key in found["keys"].items()}
            active = str(found["active"])
        except (ValueError, TypeError, KeyError, AttributeError):
            # The parser's own words would quote the text.
            raise RingInvalid(
                'The key ring is not of the form {"active": "k1", "keys": {"k1": "<base64>"}}. '
                "Make one with `manage.py create_key`."
            ) from None
        return cls(active=active, keys=keys)

    def text(self) -> str:
        """Return the ring as `parse` reads it. It is the secret itself."""
        keys = {key_id: base64.b64encode(key).decode() for key_id, key in self._keys.items()}
        return json.dumps({"active": self.active, "keys": keys}, separators=(",", ":"))

    def with_new_key(self) -> KeyRing:
        """Return a ring with one more key, which encrypts from now on."""
        number = len(self._keys) + 1
        while f"k{number}" in self._keys:
            number += 1
        key_id = f"k{number}"
        return KeyRing(active=key_id, keys={**self._keys, key_id: os.urandom(KEY_BYTES)})

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def encrypt(self, plaintext: bytes, *, context: bytes, key_id: str = "") -> bytes:
        """Return the value encrypted for one place (`b"table.field:row"`), by the active key.

        Raises KeyMissing when `key_id` names another one that is not there.
        """
        header = _header(key_id or self.active)
        nonce = os.urandom(NONCE_BYTES)
        cipher = AESGCM(self._key(key_id or self.active))
        return header + nonce + cipher.encrypt(nonce, plaintext, header + context)

    def decrypt(self, token: bytes, *, context: bytes) -> bytes:
        """Return the value encrypted for this place. Raises KeyMissing, WrongKey."""
        key_id = key_id_of(token)
        header = _header(key_id)
        nonce = token[len(header) : len(header) + NONCE_BYTES]
        sealed = token[len(header) + NONCE_BYTES :]
        try:
            return AESGCM(self._key(key_id)).decrypt(nonce, sealed, header + context)
        except InvalidTag:
            raise WrongKey(
                f"The key {key_id} does not open this value: the ring holds another key of that "
                "name, or the value was changed."
            ) from None

    def _key(self, key_id: str) -> bytes:
        if key_id not in self._keys:
            raise KeyMissing(missing(key_id))
        return self._keys[key_id]


def key_id_of(token: bytes) -> str:
    """Return the id of the key that opens the value. Raises WrongKey for what is no such value."""
    length = token[1] if len(token) > 1 else 0
    key_id = token[2 : 2 + length].decode("ascii", "replace")
    is_whole = len(token) >= 2 + length + NONCE_BYTES + TAG_BYTES
    if not is_whole or token[0] != VERSION or not KEY_ID.fullmatch(key_id):
        raise WrongKey("This is no encrypted value, or it was cut.")
    return key_id


def missing(key_id: str) -> str:
    """Return the sentence that asks for a key."""
    return f"The key {key_id} is not on the key ring. Give the ring that has it: {where()}."


def where() -> str:
    """Return where this installation's ring is looked for."""
    if settings.KEYS is None and settings.KEYS_PATH is not None:
        return str(settings.KEYS_PATH)
    return "THREADHUB_KEYS or THREADHUB_KEYS_FILE"


def is_given() -> bool:
    """Say whether the installation has a ring already."""
    return settings.KEYS is not None or (
        settings.KEYS_PATH is not None and settings.KEYS_PATH.exists()
    )


def current() -> KeyRing:
    """Return the installation's ring; an embedded one makes its own at the first use.

    Raises KeyMissing where none is given, RingInvalid.
    """
    if settings.KEYS is not None:
        return _parsed(settings.KEYS)
    if settings.KEYS_PATH is None:
        raise KeyMissing(
            "There is no key ring: make one with `manage.py create_key`, keep a copy apart from "
            "the database, and give it to every process as THREADHUB_KEYS or THREADHUB_KEYS_FILE."
        )
    return _parsed(keyfile.read_or_make(settings.KEYS_PATH, make=lambda: KeyRing.new().text()))


@lru_cache(maxsize=4)
def _parsed(text: str) -> KeyRing:
    return KeyRing.parse(text)


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError from error


def _header(key_id: str) -> bytes:
    return bytes((VERSION, len(key_id))) + key_id.encode("ascii")
