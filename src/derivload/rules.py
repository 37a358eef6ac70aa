"""The rules, by code."""
import collections
class R: help=""
RULES = collections.defaultdict(R)
