"""Decodes the body of a response piece by piece and never beyond a limit, so that a small answer cannot fill the memory."""

from __future__ import annotations

import io
import zlib

STEP = 256 * 1024  # bytes decoded at a time: a bomb's piece must not be whole in memory before it is refused


class TooLarge(Exception):
    """The body is larger than allowed, after decoding."""


class BadEncoding(Exception):
    """The body is in a content encoding that was not asked for, or is not what it says it is."""


class Body:
    """Collects the pieces of a body, decoded.

    `content_encoding` is the header's value ("", "identity", "gzip", "deflate"); raises BadEncoding for any other.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        self._coding = content_encoding.strip().lower().removeprefix("x-")
        if self._coding not in ("", "identity", "gzip", "deflate"):
            raise BadEncoding(f"content encoding {content_encoding!r} was not asked for")
        self._limit = limit
        self._inflater: zlib._Decompress | None = None
        self._decoded = io.BytesIO()  # gives its bytes away without a copy
        self.size = 0

    def feed(self, piece: bytes) -> None:
        """Take the next piece off the wire. Raises TooLarge or BadEncoding."""
        if not piece:
            return
        if self._coding in ("gzip", "deflate") and not self.size and self._inflater is None:
            self._inflater = self._begin(piece)
            if self._inflater is None:
                self._coding = "identity"  # some servers name an encoding and send plain text
        try:
            self._inflate(piece) if self._inflater else self._add(piece)
        except zlib.error as e:
            raise BadEncoding(f"the {self._coding} body is damaged: {e}") from None

    def finish(self) -> bytes:
        """The decoded body."""
        return self._decoded.getvalue()

    @property
    def is_whole(self) -> bool:
        """Whether a compressed body has reached its end."""
        return self._inflater is None or self._inflater.eof

    def _begin(self, first: bytes) -> zlib._Decompress | None:
        if self._coding == "gzip":
            return zlib.decompressobj(31) if first[:1] == b"\x1f" else None
        # RFC 9110, 8.4.1.2: deflate is the zlib format, but some senders leave its header out.
        zlib_header = len(first) > 1 and first[0] & 0x0F == 8 and (first[0] << 8 | first[1]) % 31 == 0
        return zlib.decompressobj(15 if zlib_header else -15)

    def _inflate(self, piece: bytes) -> None:
        assert self._inflater is not None
        while piece:
            if self._inflater.eof:
                if not piece.startswith(b"\x1f\x8b"):
                    return  # padding after the end
                self._inflater = zlib.decompressobj(31)
            self._add(self._inflater.decompress(piece, min(STEP, self._limit - self.size + 1)))
            piece = self._inflater.unconsumed_tail or self._inflater.unused_data

    def _add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._limit:
            self._decoded.close()
            raise TooLarge(f"the body is larger than {self._limit} bytes")
        self._decoded.write(piece)
