"""Networks that translate sequences from one domain to another; clips are `(batch, 1, time, depth, lateral)`."""
