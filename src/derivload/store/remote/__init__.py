"""The remote cache of a team, behind the store on disk: packs of values on a server.

What may live here: the format of packs, the services that a URL may name, and how long a run waits
for them. What may not: which values belong in a pack, and where the settings are.
"""
