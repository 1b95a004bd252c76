"""How specs, runs, comparisons and mistakes show themselves in a notebook: HTML that needs nothing from elsewhere.

Every piece is made of `page.markup`, which escapes whatever a spec, a path or a data file says. Colours are those of
the page around, light or dark; what has a colour of its own can be read on both.
"""
