"""SQLite: the embedded store, its file, connections and dialect."""
