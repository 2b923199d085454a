"""The transforms of Glue that learn from their data."""
