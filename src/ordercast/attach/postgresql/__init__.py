"""PostgreSQL: a mapping becomes row triggers, which insert into our feed in the shop's own transaction."""
