"""Ordercast: every committed change of a shop on every screen entitled to see it, and none lost.

The package reads in the order in which an order flows: ``api`` → ``commerce`` → ``db`` → ``feed`` → ``hub`` →
``protocol`` → ``wire``. ``ARCHITECTURE.md`` draws the river; each room's first page says what it is for.
"""
