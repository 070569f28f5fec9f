"""Dialogs, one open at a time: each gets keys and a Frame and returns what happens next.

Does not: use Textual. A dialog is drawn over the rows of its screen.
"""
