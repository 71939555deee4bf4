"""What backups of both databases share."""

from __future__ import annotations


class BackupRefused(Exception):
    """Nothing was written or changed; the text says why, as a sentence without a full stop."""
