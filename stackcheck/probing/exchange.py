"""One question to the agent and its answer: what goes in on its standard input, and which answer counts.

Whatever else starts in a target (a `.pth` file, `sitecustomize`, a library that prints) shares its output,
so the answer stands in a frame with a nonce. The agent reads the nonce after the last probe has
ended: no process that runs code of the target has ever had it in its memory.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stackcheck.model.errors import ProbeError
from stackcheck_probes.__main__ import BOUND, FRAME, NONCE_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BOUND", "Exchange"]

_HEADER_LIMIT = 200


def _nonce() -> str:
    return secrets.token_hex(NONCE_BYTES // 2)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that is answered once; the agent is called with the argument `BOUND`."""

    request: Mapping[str, Any]
    nonce: str = field(default_factory=_nonce, repr=False)

    @property
    def stdin(self) -> bytes:
        """Return what the agent reads: the size of the request, the request, the nonce."""
        request = json.dumps(self.request).encode("ascii")
        return b"%08x" % len(request) + request + self.nonce.encode("ascii")

    def document(self, out: bytes | bytearray, doing: str) -> bytes:
        """Return the document in the frame of this exchange; `doing` begins the message.

        Raise `ProbeError` when there is none, or when something else has written into it.
        """
        mark = b"%s %s " % (FRAME, self.nonce.encode("ascii"))
        start = out.find(mark)
        if start < 0:
            raise ProbeError(f"{doing}: the answer is not one to this request (its frame is missing).")
        head, _, _ = bytes(out[start + len(mark) : start + len(mark) + _HEADER_LIMIT]).partition(b"\n")
        size, _, digest = head.partition(b" ")
        body = start + len(mark) + len(head) + 1
        document = bytes(out[body : body + int(size)]) if size.isdigit() else b""
        if hashlib.sha256(document).hexdigest().encode("ascii") != digest:
            raise ProbeError(f"{doing}: the answer is damaged: something else wrote to the agent's output.")
        return document
