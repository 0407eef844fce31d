"""
Placeholder
===========
"""

import restore

print(restore.__version__)
