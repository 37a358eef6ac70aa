"""`derivload explore`: pages to look at in a browser, of the inputs or of several releases.

What is shown is found here; how, `commands/pages` decides.
"""
