"""The price catalogue: what a token of which model cost, and when."""
