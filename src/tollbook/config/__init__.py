"""Settings: what `tollbook.toml` may say, and where each value came from."""
