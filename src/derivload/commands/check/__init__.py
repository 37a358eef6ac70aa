"""`derivload check`: finding all mistakes of the inputs, and showing them in each format."""
