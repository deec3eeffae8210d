"""The command line: one file a command word. Each parses, calls, renders and exits; nothing is decided here."""
