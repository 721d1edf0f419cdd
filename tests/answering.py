"""Scripts in the place of the agent: what they print is framed as an answer to the request that they got."""

from __future__ import annotations

from stackcheck_probes.__main__ import FRAME, NONCE_BYTES

_SCRIPT = """
import contextlib, hashlib, io, os
request = os.read(0, int(os.read(0, 8), 16)).decode()
said = io.StringIO()
with contextlib.redirect_stdout(said):
    exec({script!r}, {{"request": request}})
text = said.getvalue().encode()
head = b"%s %s %d %s" % ({frame!r}, os.read(0, {nonce}), len(text), hashlib.sha256(text).hexdigest().encode())
os.write(1, b"\\n" + head + b"\\n" + text + b"\\n")
"""


def answering(script: str) -> bytes:
    """Return an agent that answers with what a script prints; `request` is the text that it was asked."""
    return _SCRIPT.format(script=script, frame=FRAME, nonce=NONCE_BYTES).encode()
