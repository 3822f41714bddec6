"""Native log lines of an imaginary team, made from a seed: the bundled sample, and any volume for measurements."""
