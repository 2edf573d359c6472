"""``python -m vedette``: as the command ``vedette``."""

import sys

from vedette._command import main

sys.exit(main())
