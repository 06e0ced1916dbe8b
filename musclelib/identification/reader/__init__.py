"""The reader of territories: what it sees, learns from and is trained by."""
