"""What the tests share that is no test: how a run is ordered, and how it is told."""
