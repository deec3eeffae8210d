"""What observations show, step by step and over many episodes."""
