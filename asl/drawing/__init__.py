"""A graph as a picture: what is where (`arrange`), and its markup (`svg`, `mermaid`).

Each scope is laid out alone, innermost first; a Parallel or Map is a box as large as what is in
it. The same definition gives the same picture, byte for byte. Everything is measured before
it is placed, with letters at least as wide as those of the usual fonts, so that nothing
overlaps and no text leaves its box.
"""
