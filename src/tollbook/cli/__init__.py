"""The command line: it parses, calls, renders and exits; it holds no arithmetic."""
