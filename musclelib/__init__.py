"""Reproducible deep-learning studies of skeletal muscle seen by ultrasound."""

__version__ = "0.1.0"
