"""What people see: a training while it goes on, how it ended, and what can be asked of specs and runs.

    progress       a training as its events tell it: what the dashboard, its lines and the finish show
    dashboard/     a training, or several beside each other, as a screen of text
    live/          views while a training goes on: a terminal, lines, JSON objects; keys and signals
    finish         what a training ends with
    inspection/    what a spec is before it trains
    comparison/    runs against each other: read, measured, tested, shown
    run_list       the runs there are
    page/          a report as one page of HTML
    pictures/      what Matplotlib draws
    graph/         a network as a picture
    notebook/      how objects show themselves in a notebook
    writers/       other people's programs that are told of a training
    drawing/       what every view is made of: lines that fit, tables, curves, words for numbers

Facts are read and worked out, and are plain data for `--json`; a view is a pure function of facts, a width and whether
there is colour. Only `live` starts threads, and knows of terminals and signals. `mistakes` stands alone, so that it is
there at once. Nothing here trains or measures a network.
"""
