"""The package is there without its optional extra."""

import subprocess
import sys

SAID = """
import importlib, pkgutil, sys
import training.sentiment
for module in pkgutil.iter_modules(training.sentiment.__path__, "training.sentiment."):
    importlib.import_module(module.name)
print(sorted({"torch", "transformers", "tokenizers", "safetensors", "sklearn"} & set(sys.modules)))
"""


def test_no_module_loads_a_heavy_package_when_it_is_imported():
    told = subprocess.run([sys.executable, "-c", SAID], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
