"""`derivload check`: finds all mistakes in the inputs and prints them in each format."""
