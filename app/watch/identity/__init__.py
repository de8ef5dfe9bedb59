"""Whether the model behind a name is still the one that was there, from what it answered.

`samples` turns answers into rows of numbers, `distance` compares two sets of rows, `sequence` follows one
model over time without crying wolf, `comparison` tells whether two endpoints serve the same model, `vectors`
does so for embeddings, `packing` makes samples small, `learned` is a baseline: these are pure. `kept` has
samples in the database, `noting` says what the feed is told, `told` and `digests` put what is kept into
words, `side_by_side` asks two models.
"""
