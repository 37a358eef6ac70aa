"""Settings as options: which there are, what is wrong with them, and how they join a command line.

Every option of a command is a setting of the same name. So an option needs nothing here: its type,
its choices and its help are those of the parser. A setting that is no option has a line in
`tables.py`.
"""
