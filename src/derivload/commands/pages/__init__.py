"""The pages that `derivload explore` and `derivwatch --explore` write.

Python writes data, and one page that draws it. The scripts in `static/` make every element of what
they show, so that no text of the inputs is ever parsed as markup. `contents` says what pages are
made of, `table`, `filters` and `data` make the data, `files` makes the files, and `write` puts them
into a folder. No other command is known here: what `diff` found comes as its document.
"""
