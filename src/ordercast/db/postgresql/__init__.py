"""What is PostgreSQL's own: the store of many nodes, what numbers and follows the feed, and its words."""
