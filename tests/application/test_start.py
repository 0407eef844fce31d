"""How soon ``python -m restore.apply`` begins."""

import subprocess
import sys


def test_lightning_is_not_waited_for(tmp_path):
    code = (
        "import sys, restore.apply as apply; from restore.application.network import shipped_denoiser; "
        "shipped_denoiser(3, 'cpu'); assert 'lightning' not in sys.modules, 'three seconds of imports for nothing'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
