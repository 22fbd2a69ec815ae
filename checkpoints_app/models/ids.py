"""Ids as the store keeps them: 16 bytes for a UUID, marked text for anything else."""

from __future__ import annotations

# Above every first byte of the ids LangGraph draws, so that foreign ids sort among themselves.
_TEXT_MARK = b"\xff"
_PAD = b"\x00"
_UUID_BYTES = 16
_UUID_TEXT = 36


def pack_id(text: str) -> bytes:
    """Return the stored form of an id; ids of one form keep their order. NUL is not allowed."""
    if len(text) == _UUID_TEXT and text[8] == text[13] == text[18] == text[23] == "-":
        digits = text.replace("-", "")
        packed = _from_hex(digits)
        if len(packed) == _UUID_BYTES and packed.hex() == digits:
            return packed
    marked = _TEXT_MARK + text.encode()
    # The length alone tells a UUID from text.
    return marked + _PAD if len(marked) == _UUID_BYTES else marked


def _from_hex(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def unpack_id(packed: bytes | memoryview) -> str:
    """Return the id a stored form stands for."""
    raw = bytes(packed)
    if len(raw) == _UUID_BYTES:
        text = raw.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return raw[1:].removesuffix(_PAD).decode()
