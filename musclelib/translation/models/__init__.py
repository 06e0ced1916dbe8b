"""The models of translation: each an objective of training."""
