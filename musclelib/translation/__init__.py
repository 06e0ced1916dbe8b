"""Translation between image domains: models, their training, and translating whole stores."""
