"""`derivload verify`: compares derivload's results with those of others for the same files."""
