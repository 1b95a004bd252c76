"""What every view is made of: lines that fit, tables, curves, words for numbers; it knows nothing of trainings."""
