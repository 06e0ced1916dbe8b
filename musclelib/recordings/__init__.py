"""Real data in: arrays, B-mode video and its tissue motion, synchronised signals.

Downloads by name.
"""
