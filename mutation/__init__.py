"""Mutation testing: small mistakes put into derivload, one at a time, and what the tests say.

A tool of our own, for neither of the usual ones fits. mutmut mutates functions alone, and half
of our rules are tables at the level of modules; it sees what a test reaches in its own process,
and derivload runs as a child of most tests. cosmic-ray has one test command for all mutants,
takes no sample, and edits files in the checkout.

- `mutants.py`: which mistakes there are (values in, values out)
- `reach.py`: which test reaches which function, also in the processes that it starts
- `measured.py`: what is kept of that, and which tests a mutant meets, in which order
- `run.py`: `script/mutate`, a sample of them against the tests that reach them, in copies
- `survivors.txt`: mutants that no test can tell from the original, each with the reason
"""
