"""COMMAND LINE: what an operator types becomes one call of the rooms below.

Upstream: ``__main__``, which knows the commands by name and loads the one that is called. Downstream: everything.
Stays true: a command loads what it needs and nothing else; `ordercast token` starts without the database's driver.
"""
