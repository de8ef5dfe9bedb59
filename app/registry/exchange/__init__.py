"""Models from and for other programs, in their forms.

`litellm` reads and writes its configuration file, `csv` and `openai_list` write; `artefacts` has what one
model is used with.
What writes is a pure function of a row; what reads gives entries that nobody has probed yet.
"""
