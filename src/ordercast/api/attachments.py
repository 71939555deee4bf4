"""Attachments of messages, as clients send them, and their validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeAlias

from msgspec import Meta, Struct

from ordercast.commerce.attachments import ATTACHMENTS_MAX, URL_CHARACTERS_MAX, AttachmentRules, SignedFile
from ordercast.commerce.text_rules import check_texts
from ordercast.commerce.timestamps import Timestamp
from ordercast.config import Settings


class SignedAttachment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file signed by the shop's back end."""

    url: Annotated[str, Meta(min_length=1, max_length=URL_CHARACTERS_MAX)]
    """Its URL; nothing is fetched here."""
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    type: Annotated[str, Meta(min_length=1, max_length=100)]
    """Its media type."""
    size: Annotated[int, Meta(ge=0, le=2**53)]
    """In bytes."""
    expires: Annotated[int, Meta(ge=0, le=2**53)]
    """The end of the signature's validity, in seconds since 1970."""
    signature: Annotated[str, Meta(min_length=1, max_length=128)]
    """HMAC-SHA256 in hexadecimal; see the reference of chat."""


class _Name(Struct):
    name: str


class _Names(Struct):
    """The texts of files, for checking."""

    attachments: list[_Name]


_KEPT: Final = ("url", "name", "type", "size")
"""What all participants get."""
Attachments: TypeAlias = Annotated[tuple[SignedAttachment, ...], Meta(max_length=ATTACHMENTS_MAX)]


def checked_attachments(
    rules: AttachmentRules, wanted: Sequence[SignedAttachment], now: Timestamp
) -> tuple[dict[str, Any], ...]:
    """Validate attachments; return what is stored. Raises InvalidField."""
    check_texts(_Names([_Name(each.name) for each in wanted]))
    rules.check([SignedFile(**{name: getattr(each, name) for name in each.__struct_fields__}) for each in wanted], now)
    return tuple({name: getattr(each, name) for name in _KEPT} for each in wanted)


def attachment_rules(settings: Settings) -> AttachmentRules:
    secrets = (settings.chat_attachment_secret, settings.chat_attachment_secret_previous)
    return AttachmentRules(
        tuple(filter(None, secrets)),
        settings.chat_attachment_hosts,
        settings.chat_attachment_types,
        settings.chat_attachment_bytes_max,
    )
