"""Turns the bytes of the keyboard into text that Textual's key parser can read.

Replaces bytes that are not UTF-8, passes a paste on when it is whole and harmless, completes old mouse reports. Does
not: know keys.
"""

from __future__ import annotations

from codecs import getincrementaldecoder

SILENT_S = 2.0
"""A paste without its end, or a torn mouse report, is over after this long without more of it."""
BULK_BYTES = 16
"""A longer read comes from a paste; a shorter one may be a key of a user who waits for a torn paste to end."""

_MOUSE = b"\x1b[M"
"""A mouse report in the form of X10. Three bytes follow, and past column 95 they are not UTF-8."""
_MOUSE_BYTES = 3
_PASTE_START, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
MAX_PASTE_BYTES = 4096
"""More than the longest field takes; the rest of a longer paste is dropped."""
_HARMLESS = bytes(32 if byte in b"\t\n\r" else byte for byte in range(256))
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\r") + b"\x7f"


class KeyboardInput:
    """Decodes the reads of one terminal, in order."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._last_bytes = b""
        self._mouse_bytes_left = 0
        self._pasting = False
        self._pasted = bytearray()
        self._fed_s = 0.0

    def feed(self, data: bytes, now_s: float) -> str:
        """Return the text of one read; `now_s` is a monotonic time.

        A paste is passed on at its end, without control characters, line ends as blanks. A start without an end is
        ended later: it would turn every key into pasted text.
        """
        kept = bytearray()
        if now_s - self._fed_s > SILENT_S:
            kept += _PASTE_END if self._pasting else b""
            self._mouse_bytes_left, self._pasting = 0, False
        if not self._pasting or len(data) > BULK_BYTES:
            self._fed_s = now_s
        for byte in data:
            if self._mouse_bytes_left:
                self._mouse_bytes_left -= 1
                continue
            self._last_bytes = (self._last_bytes + bytes((byte,)))[-len(_PASTE_START) :]
            if self._pasting:
                if self._last_bytes == _PASTE_END:
                    self._pasting = False
                    kept += self._take_pasted() + _PASTE_END
                elif len(self._pasted) < MAX_PASTE_BYTES + len(_PASTE_END) - 1:
                    self._pasted.append(byte)
                continue
            kept.append(byte)
            if self._last_bytes.endswith(_MOUSE):
                # The report is completed at once: a key parser that waits for the rest would take keys for it.
                kept += bytes(_MOUSE_BYTES)
                self._mouse_bytes_left = _MOUSE_BYTES
            elif self._last_bytes == _PASTE_START:
                self._pasting = True
                self._pasted.clear()
        return self._decoder.decode(bytes(kept))

    def _take_pasted(self) -> bytes:
        """Return what was pasted before its end, of which all bytes but the last one were taken for it."""
        return bytes(self._pasted[: 1 - len(_PASTE_END)]).translate(_HARMLESS, _CONTROL)
