"""From a failed proof to a code, a field and three sentences."""
