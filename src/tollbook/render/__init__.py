"""Output formats: each takes a finished report and knows nothing of where it came from."""
