"""The schema's history, for Alembic. Each version is text that stays as it was written, whatever the tables become."""
