"""`derivload show`: everything about one operator, as lines for a person."""
