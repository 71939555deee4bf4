"""What is SQLite's own: the embedded store, its file and its connections, and its words."""
