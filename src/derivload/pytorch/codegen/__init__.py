"""TODO codegen."""
