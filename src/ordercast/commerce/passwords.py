"""Which passwords may be chosen."""

from __future__ import annotations

from typing import Final

from .errors import InvalidField

# NIST SP 800-63B: length counts, kinds of characters do not. The longest bounds what a hash costs.
CHOSEN_MIN: Final = 10
CHOSEN_MAX: Final = 128
_DISTINCT_MIN: Final = 4


def check_choice(password: str, *, email: str, name: str, field: str = "password") -> None:
    """Raises InvalidField for a password that is too short, too long, or among the first that anybody would try."""
    if not CHOSEN_MIN <= len(password) <= CHOSEN_MAX:
        raise InvalidField(field, f"A password has {CHOSEN_MIN} to {CHOSEN_MAX} characters.")
    if len(set(password)) < _DISTINCT_MIN:
        raise InvalidField(field, f"A password has at least {_DISTINCT_MIN} different characters.")
    if password.casefold().strip() in {email.casefold(), email.casefold().partition("@")[0], name.casefold()}:
        raise InvalidField(field, "A password is not one's own address or name.")
