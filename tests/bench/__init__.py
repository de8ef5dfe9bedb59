"""Measurements with bounds: `make bench`. Each compares things side by side in one run."""

import warnings

# The PostgreSQL of the measurements asks for a runtime folder that not every machine has; it finds another.
warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
