"""COMMANDS: the command line.

Upstream: ``__main__``, which imports the called command. Downstream: everything. Stays true: a command imports only
what it needs; `ordercast token` starts without the database's driver.
"""
