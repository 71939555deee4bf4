"""Collections of another program in MongoDB, whose changes a mapping makes events of (decision 42)."""
