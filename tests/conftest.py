"Shared by all tests: one thread per process, where things are, what is skipped and why, and the closing line."
import os
os.environ.setdefault('OMP_NUM_THREADS', '1')       # before torch is imported anywhere
import shutil, signal, subprocess, sys
from pathlib import Path
import pytest

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN: signal.signal(signal.SIGINT, signal.default_int_handler)     # `make test &`: a shell's background jobs, and their children, would never see Ctrl-C

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT)); sys.path.insert(0, str(ROOT / 'tools'))

# cheapest verdicts first: a tree out of step, a broken rule, a broken page; the rest is alphabetical
ORDER = ['test_sync', 'test_house', 'test_notebooks']
LAST = ['test_launch', 'test_perform', 'test_docs', 'test_browser']

def find_realdata():
    "The folder of real recordings lies beside the checkout, never in it."
    places = [os.environ.get('LPM_REALDATA'), ROOT.parent / 'shared' / 'realdata', ROOT.parent / 'realdata']
    return next((Path(p) for p in places if p and Path(p).is_dir()), None)

def pytest_collection_modifyitems(config, items):
    def rank(it):
        n = it.path.stem
        return ORDER.index(n) if n in ORDER else 100 + LAST.index(n) if n in LAST else 50
    items.sort(key=rank)
    real, gpu = find_realdata(), None
    for it in items:
        if it.get_closest_marker('realdata') and real is None:
            it.add_marker(pytest.mark.skip(reason='no folder of real recordings beside the checkout (shared/realdata or LPM_REALDATA)'))
        if it.get_closest_marker('gpu'):
            if gpu is None: import torch; gpu = torch.cuda.is_available()
            if not gpu: it.add_marker(pytest.mark.skip(reason='no CUDA device'))

@pytest.fixture(scope='session')
def root(): return ROOT

@pytest.fixture(scope='session')
def realdata(): return find_realdata()

def clean_env(**extra):
    "The environment of a child process: this checkout first, one thread, no notebook flags."
    e = {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'PYTEST_CURRENT_TEST') and not k.startswith(('PYTEST_', 'ACCELERATE_', 'WORLD_', 'RANK', 'LOCAL_RANK', 'MASTER_'))}
    e['PYTHONPATH'] = f'{ROOT}{os.pathsep}{e["PYTHONPATH"]}' if e.get('PYTHONPATH') else str(ROOT)
    e.update(OMP_NUM_THREADS='1', **extra)
    return e

def run(*cmd, cwd=ROOT, timeout=300, check=True, **env):
    "Run a command; on failure show what it said."
    r = subprocess.run([str(c) for c in cmd], cwd=cwd, env=clean_env(**env), capture_output=True, text=True, timeout=timeout)
    if check: assert r.returncode == 0, f'{" ".join(map(str, cmd))} returned {r.returncode}\n{r.stdout[-3000:]}\n{r.stderr[-5000:]}'
    return r

IGNORE = shutil.ignore_patterns('.venv', '.git', '_proc', '_docs', 'out', 'work', '__pycache__', '*.egg-info', '.pytest_cache', '.ruff_cache', '.ipynb_checkpoints', 'weights')

def copy_tree(dst):
    "A copy of the working tree a test may change; the weights, large and only read, are linked."
    shutil.copytree(ROOT, dst, symlinks=True, ignore=IGNORE)
    if (ROOT / 'lpm' / 'weights').exists(): os.symlink(ROOT / 'lpm' / 'weights', dst / 'lpm' / 'weights')
    return dst

@pytest.fixture(scope='session')
def site(tmp_path_factory):
    "The rendered book, built once for the tests that look at it."
    pytest.importorskip('smalldocs', reason='smalldocs, which renders the book, needs Python 3.11')
    out = tmp_path_factory.mktemp('site') / 'book'
    run(sys.executable, ROOT / 'tools' / 'docs.py', '--out', out, timeout=600)
    return out

def pytest_unconfigure(config):
    "A line a machine can count, after everything else."
    if hasattr(config, 'workerinput'): return
    tr = config.pluginmanager.get_plugin('terminalreporter')
    if tr is None: return
    n = {k: len(tr.stats.get(k, [])) for k in ('passed', 'failed', 'error', 'skipped', 'xfailed', 'xpassed')}
    print(f'{n["passed"] + n["xpassed"]} passed, {n["failed"] + n["error"]} failed, {n["skipped"] + n["xfailed"]} skipped')
