"""Pure functions over small results: allocation, compliance, thresholds. No I/O and no clock of their own."""
