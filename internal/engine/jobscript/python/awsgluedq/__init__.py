"""Rules for the quality of data."""
