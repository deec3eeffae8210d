"""What is kept from one call to the next in the user's folder for caches."""
