"""One probe's talk with one endpoint: its calls, what is waited for, what may be used, what is recorded."""
