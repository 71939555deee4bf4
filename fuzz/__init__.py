"""Coverage-guided fuzzing of every parser that reads what a stranger sent; see README.md."""
