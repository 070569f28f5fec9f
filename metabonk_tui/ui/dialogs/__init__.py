"""What asks and what stands over a screen: drawn on the screen's own rows, one at a time.

Refuses to know Textual; each dialog gets keys and a Frame and says what happens next.
"""
