"""What other libraries save beside logs: models and statistics, read without executing anything in them."""
