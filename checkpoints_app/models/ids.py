"""Ids as the store keeps them: 16 bytes for a UUID, marked text for anything else."""

from __future__ import annotations

# Above every first byte of the UUIDs in use, so that foreign ids sort among themselves.
_TEXT_MARK = b"\xff"
_UUID_BYTES = 16
_UUID_TEXT = 36


def pack_id(text: str) -> bytes:
    """Return the stored form of an id; UUIDs in canonical form keep their order."""
    if len(text) == _UUID_TEXT and text[8] == text[13] == text[18] == text[23] == "-":
        digits = text.replace("-", "")
        try:
            packed = bytes.fromhex(digits)
        except ValueError:
            return _TEXT_MARK + text.encode("utf-8", "surrogatepass")
        if len(packed) == _UUID_BYTES and packed.hex() == digits:
            return packed
    return _TEXT_MARK + text.encode("utf-8", "surrogatepass")


def unpack_id(packed: bytes | memoryview) -> str:
    """Return the id a stored form stands for."""
    raw = bytes(packed)
    if len(raw) == _UUID_BYTES and raw[:1] != _TEXT_MARK:
        text = raw.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return raw[1:].decode("utf-8", "surrogatepass")
