"""Ours beside its peers, in one run, as server CPU per message. ``python -m bench --help``; method in README.md."""
