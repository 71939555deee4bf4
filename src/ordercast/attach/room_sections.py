"""Reads ``[rooms]`` and ``[[room]]`` of a mapping file: who hears."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, TypeAlias

from msgspec import Meta, Struct

from ordercast.outgoing import AddressRefused, Networks, check_url

from .claim_rooms import OWN_ROLES, ROLES_MAX, ROOMS_PER_ROLE_MAX, ClaimRooms, role_fault, shadowed, template_fault
from .room_rules import EVERY_S, EVERY_S_MAX, UNTOLD_EVERY_S, Rule, room_fault, sql_fault
from .templates import Template
from .toml_lines import Path

# Each is tried for whoever asks.
RULES_MAX: Final = 100
TABLES_MAX: Final = 20
ANYWHERE: Final = Networks(("0.0.0.0/0", "::/0"))
"""Where a webhook may be: its address stands in the operator's own file."""

_Text = Annotated[str, Meta(min_length=1)]
_RoleRooms: TypeAlias = Annotated[list[_Text], Meta(max_length=ROOMS_PER_ROLE_MAX)]


class _Room(Struct, frozen=True, forbid_unknown_fields=True):
    name: _Text
    sql: _Text | None = None
    authorize: _Text | None = None
    roles: Annotated[list[_Text], Meta(max_length=ROLES_MAX)] = []
    tables: Annotated[list[_Text], Meta(max_length=TABLES_MAX)] = []
    every: Annotated[int, Meta(ge=1, le=EVERY_S_MAX)] | None = None


class RoomSections:
    """Reads them with the tools of ``mapping``, which has the file's lines."""

    def __init__(
        self,
        converted: Callable[[Any, Any, Path], Any],
        template: Callable[[str, Path], Template | None],
        fault: Callable[[Path, str], None],
        lines: Mapping[Path, int],
        *,
        is_built_in: bool,
    ) -> None:
        self._converted = converted
        self._template = template
        self._fault = fault
        self._lines = lines
        self._is_built_in = is_built_in

    # --- [rooms] ----------------------------------------------------------------------------------------------------

    def claim_rooms(self, roles: Any) -> ClaimRooms:
        if not isinstance(roles, dict):
            self._fault(("rooms",), 'rooms are written under [rooms], as customer = ["customer_{sub}"]')
            return ClaimRooms()
        if len(roles) > ROLES_MAX:
            self._fault(("rooms",), f"there are at most {ROLES_MAX} roles")
        return ClaimRooms({role: tuple(self._of_role(role, listed)) for role, listed in roles.items()})

    def _of_role(self, role: str, listed: Any) -> Iterator[Template]:
        if (wrong := role_fault(role)) is not None:
            self._fault(("rooms", role), f"{role}: {wrong}")
        for number, text in enumerate(self._converted(listed, _RoleRooms, ("rooms", role)) or ()):
            template = self._template(text, ("rooms", role, number))
            if template is None:
                continue
            yield template
            if (wrong := template_fault(template, role, is_built_in=self._is_built_in)) is not None:
                self._fault(("rooms", role, number), f"{template}: {wrong}")

    def check_shadows(self, rooms: ClaimRooms, others: Sequence[Template]) -> None:
        """No claim may make a room that the file names for others."""
        named = [*(each for templates in rooms.templates.values() for each in templates), *others]
        for role, templates in rooms.templates.items():
            for number, template in enumerate(templates):
                if (other := shadowed(template, named)) is not None:
                    self._fault(("rooms", role, number), f"{template}: a claim could make {other} of it")

    # --- [[room]] ---------------------------------------------------------------------------------------------------

    def rules(self, rooms: Any, known: ClaimRooms) -> Iterator[Rule]:
        if not isinstance(rooms, list) or not all(isinstance(room, dict) for room in rooms):
            self._fault(("room",), "a room that is asked for is written as [[room]], with two brackets")
            return
        if len(rooms) > RULES_MAX:
            self._fault(("room", RULES_MAX), f"there are at most {RULES_MAX} [[room]]")
            return
        for number, table in enumerate(rooms):
            raw = self._converted(table, _Room, ("room", number))
            if raw is not None and (rule := self._rule(raw, ("room", number), known)) is not None:
                yield rule

    def _rule(self, raw: _Room, path: Path, known: ClaimRooms) -> Rule | None:
        template = self._template(raw.name, (*path, "name"))
        if template is None:
            return None
        wrong = room_fault(template) or template_fault(template, "who asks", is_built_in=self._is_built_in)
        if wrong is not None:
            self._fault((*path, "name"), f"{template}: {wrong}")
        for number, role in enumerate(raw.roles):
            if role not in OWN_ROLES and role not in known.roles:
                self._fault((*path, "roles", number), f"there is no role {role}: name one of your own under [rooms]")
        self._check_question(raw, path)
        return Rule(
            template,
            frozenset(raw.roles),
            raw.sql or "",
            raw.authorize or "",
            tuple(dict.fromkeys(raw.tables)),
            raw.every or (UNTOLD_EVERY_S if raw.sql and not raw.tables else EVERY_S),
            self._lines.get(path, 1),
            self._lines.get((*path, "sql"), 1),
        )

    def _check_question(self, raw: _Room, path: Path) -> None:
        if (raw.sql is None) is (raw.authorize is None):
            self._fault(path, "a room has a question, `sql`, or a webhook, `authorize`: one of the two")
        if raw.sql is not None and (wrong := sql_fault(raw.sql)) is not None:
            self._fault((*path, "sql"), wrong)
        if raw.authorize is not None:
            try:
                check_url(raw.authorize, ANYWHERE)
            except AddressRefused as refusal:
                self._fault((*path, "authorize"), str(refusal))
