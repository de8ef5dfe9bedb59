"""What is in stays watched: what is due, health and its changes, incidents, history, and who is told."""

import os

# The matrices of `identity` are small: threads of BLAS, in every process as many as there are cores, take
# twice the processor time for them. NumPy reads this when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
