"The training scripts. A mistake of the user ends one of them with one line, as everywhere else."
import sys
from ..notation import LpmError

_shown = sys.excepthook

def _one_line(kind, e, tb):
    if issubclass(kind, LpmError): print(f'lpm: {e}', file=sys.stderr)
    else: _shown(kind, e, tb)

sys.excepthook = _one_line
