"""COMMIT: the decision and its feed rows, in one transaction.

Upstream: ``api`` submits units of work; ``feed`` reads what was committed. Downstream: ``commerce`` decides, the
database keeps.
Stays true: triggers alone fill the feed, so a change made by another program is heard like ours.
"""
