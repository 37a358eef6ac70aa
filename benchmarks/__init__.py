"""How fast derivload is, as ratios against upstream in one run. `script/bench` runs it."""
