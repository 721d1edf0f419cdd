"""What has moved since the baseline: index, lock, base image, image, host, tables, known vulnerabilities."""

from stackcheck.drift.changes import Change, diff
from stackcheck.drift.facts import Gap, Key, Seen, Snapshot

__all__ = ["Change", "Gap", "Key", "Seen", "Snapshot", "diff"]
