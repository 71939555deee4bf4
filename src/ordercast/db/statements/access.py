"""Sign-ins, and what is revoked."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, select, union_all, update

from ordercast.db.schema import accounts, customers, orders, revocations, sign_ins

from .compiling import ONE, ZERO, Compiler, oldest, to_change


class AccessStatements:
    def __init__(self, text: Compiler) -> None:
        self.open = text(
            insert(sign_ins).values(
                {
                    name: bindparam(name)
                    for name in (
                        "id", "account_id", "family_hash", "token_hash", "rotated_at", "created_at", "expires_at",
                        "key_id",
                    )
                }
            )
        )  # fmt: skip
        found = (
            select(
                sign_ins.c.id,
                sign_ins.c.token_hash,
                sign_ins.c.former_hash,
                sign_ins.c.rotated_at,
                sign_ins.c.created_at,
                sign_ins.c.expires_at,
                sign_ins.c.key_id,
                accounts.c.id,
                accounts.c.email,
                accounts.c.name,
                accounts.c.role,
                accounts.c.password_hash,
            )
            .join_from(sign_ins, accounts)
            .where(sign_ins.c.family_hash == bindparam("family_hash"), accounts.c.active == ONE)
        )
        self.by_family = text(found)
        self.by_family_to_refresh = text(to_change(found, of=sign_ins))
        self.rotate = text(
            update(sign_ins)
            .values(
                former_hash=sign_ins.c.token_hash,
                token_hash=bindparam("new_token_hash"),
                key_id=bindparam("new_key_id"),
                rotated_at=bindparam("now"),
                expires_at=bindparam("new_expires_at"),
            )
            .where(sign_ins.c.id == bindparam("sign_in_id"))
        )
        named = (
            select(table.c.id).where(table.c.id == bindparam("name"))
            for table in (accounts, customers, orders, sign_ins)
        )
        self.named = text(union_all(*named).limit(ONE).offset(ZERO))
        self.close = text(sign_ins.delete().where(sign_ins.c.id == bindparam("id")))
        self.of_account = text(
            select(sign_ins.c.id, sign_ins.c.created_at, sign_ins.c.rotated_at, sign_ins.c.expires_at)
            .where(sign_ins.c.account_id == bindparam("account_id"))
            .order_by(sign_ins.c.rotated_at.desc(), sign_ins.c.id.desc())
        )
        self.close_all = text(sign_ins.delete().where(sign_ins.c.account_id == bindparam("account_id")))
        self.forget_ended = text(oldest(sign_ins, sign_ins.c.expires_at))

        revocation = text.dialect.insert(revocations).values(
            {name: bindparam(name) for name in ("name", "since", "until", "actor", "reason")}
        )
        self.revoke = text(
            revocation.on_conflict_do_update(
                index_elements=["name"],
                set_={name: revocation.excluded[name] for name in ("since", "until", "actor", "reason")},
            )
        )
        self.revoked = text(
            select(revocations.c.name, revocations.c.since, revocations.c.until)
            .where(revocations.c.name > bindparam("after"))
            .order_by(revocations.c.name)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        self.forget_revoked = text(oldest(revocations, revocations.c.until))
