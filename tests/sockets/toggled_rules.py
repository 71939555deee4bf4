"""Rules of rooms that are asked for, as a test turns them."""

from __future__ import annotations

from ordercast.commerce.room_access import RoomQuestion, RoomRequester, RuleChanges, RuleUnanswered


class ToggledRules:
    """Rooms called ``case_...``: those in `allowed` are, ``case_0`` from the beginning."""

    def __init__(self) -> None:
        self.allowed = {"case_0"}
        self.is_silent = False
        self.asked: list[tuple[str, str]] = []
        self.every_s = 3_600.0

    def questions(self, room: str, requester: RoomRequester) -> tuple[RoomQuestion, ...]:
        if not room.startswith("case_"):
            return ()
        case = room.removeprefix("case_")
        of = (("vendorId", str(requester.claims.get("vendorId"))),)
        return (RoomQuestion(room, "case_{id}", 0, requester.person, of, frozenset({case}), self.every_s),)

    async def allows(self, question: RoomQuestion, *, anew: bool) -> bool:
        del anew
        self.asked.append((question.person, question.room))
        if self.is_silent:
            raise RuleUnanswered("nobody answers")
        return question.room in self.allowed

    def changes_in(self, document: bytes) -> RuleChanges | None:
        """A row that is for ``rights`` tells of the rights to all cases."""
        return RuleChanges(frozenset({0}), None) if b'"rights"' in document else None
