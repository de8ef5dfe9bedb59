"""The catalogue for who calls models: the list, one of them, some side by side."""
