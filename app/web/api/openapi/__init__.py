"""/openapi.json and the pages of the API that are made from it."""
