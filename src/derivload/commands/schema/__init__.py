"""`derivload schema`: prints a JSON Schema; and how all of them are made."""
