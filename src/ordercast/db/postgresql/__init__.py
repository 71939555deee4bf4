"""PostgreSQL: the store of many nodes, the feed's sequencer and tailer, and the dialect."""
