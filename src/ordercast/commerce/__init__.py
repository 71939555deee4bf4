"""DECIDE: plain values and rules; no I/O, no clock, no loop.

Upstream: ``db`` runs these decisions inside a unit of work; ``api`` and ``feed`` speak in these values.
Downstream: nothing.
Stays true: given the same values, the same decision; time, ids and actors are always arguments.
"""
