"""A Muster to be measured: started as an operator starts it. One that is forked (`tests.quick_start`) shares
the memory of another process.
"""

import subprocess
from functools import partial

from tests.load.running import running as running_for_a_test

running = partial(running_for_a_test, start=subprocess.Popen)
