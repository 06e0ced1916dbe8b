"""Networks that translate sequences from one domain to another.

Clips are `(batch, 1, time, depth, lateral)`.
"""
