"""Hashes and compression of encoded values."""

from __future__ import annotations

from hashlib import blake2b

import zstandard

from .errors import DamagedValue

PLAIN = 0
ZSTD = 1
# Smaller values do not pay for the frame header.
_WORTH_COMPRESSING = 48
# A frame that claims more is refused before a byte is unpacked.
MAX_VALUE_BYTES = 512 * 1024 * 1024
_LEVEL = 3


def content_hash(kind: str, data: bytes) -> bytes:
    """Return the 16-byte name of a value of this kind."""
    return blake2b(data, digest_size=16, person=kind.encode()[:16]).digest()


class Compressor:
    """Compresses and decompresses; not safe for use by two threads at once."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()

    def compress(self, data: bytes) -> tuple[int, bytes]:
        """Return the codec and the stored bytes. Raises DamagedValue above the size limit."""
        if len(data) > MAX_VALUE_BYTES:
            raise DamagedValue(
                f"A value of {len(data)} bytes is too large: at most {MAX_VALUE_BYTES} are stored."
            )
        if len(data) >= _WORTH_COMPRESSING:
            packed = self._compressor.compress(data)
            if len(packed) < len(data):
                return ZSTD, packed
        return PLAIN, data

    def decompress(self, codec: int, data: bytes) -> bytes:
        """Return the value. Raises DamagedValue for bad frames and unknown codecs."""
        if codec == PLAIN:
            return data
        if codec != ZSTD:
            raise DamagedValue(f"A stored value names codec {codec}, which is unknown.")
        try:
            size = zstandard.frame_content_size(data)
            if not 0 <= size <= MAX_VALUE_BYTES:
                raise DamagedValue(f"A stored value claims {size} bytes unpacked.")
            return self._decompressor.decompress(data)
        except zstandard.ZstdError as error:
            raise DamagedValue(f"A stored value cannot be decompressed: {error}.") from error
