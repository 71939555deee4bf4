"""PARTS THAT CAN BE LEFT OUT: the Socket.IO Admin UI for the hub, and orders that live in MongoDB.

Upstream: ``app``, or a program that uses the hub alone, imports the part that it wants. Downstream: one room each.
Stays true: no room imports anything from here, and no part imports another.
"""
