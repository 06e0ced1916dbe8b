"""Motor units in a sequence of tissue velocity: who is there, where, and when each fires."""
