"""Reproducible deep-learning studies of skeletal muscle seen by ultrasound."""

__version__ = "0.2.0"
