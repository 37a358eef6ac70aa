"""`derivload run`: a script that uses torchgen, with derivload inside."""
