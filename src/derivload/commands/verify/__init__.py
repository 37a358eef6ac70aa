"""`derivload verify`: compares what derivload loads with what others make of the same files."""
