"""Tests, in the order of the rooms they are of: `src/.../rooms.py` has its twin `tests/.../test_rooms.py`."""
