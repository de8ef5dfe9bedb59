"""One call within its limits, to an address that was judged first; the only place with `requests`."""
