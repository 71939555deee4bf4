"""Tables of another program in MySQL or MariaDB, beside a store of ours (decision 39)."""
