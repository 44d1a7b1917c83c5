import subprocess
import sys

SCRIPT = """
import numpy as np
import torch
from models.denormals import flush_denormals

flush_denormals()
assert float(torch.tensor(1e-39) * 0.5) == 0
np.finfo(np.float32).smallest_subnormal  # warns where it is zero, unless it was found before
"""


def test_numpy_still_knows_its_limits_once_denormals_are_flushed() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT], check=True)
