"""The questions that a chat model is asked: what each adds to a request, and what of the answer shows it."""
