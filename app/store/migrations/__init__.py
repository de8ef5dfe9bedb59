"""The steps of the tables, and whether a database and this program go together by them."""
