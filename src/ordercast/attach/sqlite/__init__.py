"""SQLite: a mapping becomes triggers that put rows into an outbox in the shop's own file; they are taken from there."""
