"""PACKETS: Engine.IO 4 and Socket.IO 5, sans-I/O: bytes or text in, packets out, and back.

Upstream: ``wire`` feeds what arrived, ``hub`` encodes what is emitted. Downstream: nothing.
Stays true: no loop, socket or clock; what cannot be parsed raises an error that names the packet and the reason.
"""
