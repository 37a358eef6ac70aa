"""`derivload show`: prints everything about one operator, as lines for a person."""
