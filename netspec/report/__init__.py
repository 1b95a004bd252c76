"""What people see: a training while it goes on, how it ended, and what can be asked of specs and runs.

What is known, and how each of it is shown::

    facts       progress     inspection       comparison       run_list
                   │             │                │               │
    views       dashboard  inspection_view  comparison_view    run_list    metrics    finish
                   └─────────────┴───────┬────────┴───────────────┴──────────┴──────────┘
    drawing                     tables, curves, frame; the words in wording and values, the colours in styles

Facts are read and worked out, and are plain data for `--json`; a view is a pure function of facts, a width and whether
there is colour. A training that goes on has a display: `live` draws the dashboard in a terminal, `lines` writes lines
where there is none, `objects` writes JSON; all of them are what `display` says. `interrupts` hears Ctrl-C meanwhile.
Only `live` and `interrupts` start threads, and know of terminals and signals. `mistakes` stands alone, so that it is
there at once. Nothing here trains or measures a network.
"""
