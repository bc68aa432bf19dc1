"`make train` with commands that only write down how they were called: what is done is not done again."
import subprocess
from conftest import ROOT

STAGES = ['video', 'speak', 'listen', 'mixed', 'references', 'extension']
ONLINE = ['ode', 'offpolicy', 'onpolicy', 'refiner']

def make(tmp_path, stop=''):
    "Run the chain; a command whose arguments contain `stop` fails. Returns (exit code, the last words of what was called)."
    b = tmp_path / 'venv' / 'bin'; b.mkdir(parents=True, exist_ok=True)
    for n in ('python', 'accelerate', 'lpm'):
        (b / n).write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/log\ncase "$*" in *"{stop or "never"}"*) exit 130;; esac\n'); (b / n).chmod(0o755)
    (tmp_path / 'log').unlink(missing_ok=True)
    r = subprocess.run(['make', '-f', str(ROOT / 'Makefile'), 'train', f'VENV={tmp_path}/venv', '-o', 'setup-dev'], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    log = (tmp_path / 'log').read_text().splitlines() if (tmp_path / 'log').exists() else []
    return r.returncode, [l.split('lpm.launch.')[1] for l in log if 'lpm.launch.' in l]

def stages(called, script='base'): return [l.split('--stage ')[1].split()[0] for l in called if l.startswith(script) and '--stage' in l]

def test_train_goes_on_where_it_stopped(tmp_path):
    code, called = make(tmp_path, stop='--stage listen')
    assert [l.split()[0] for l in called].index('eye') < [l.split()[0] for l in called].index('base')                   # the base looks through the eye
    assert code and stages(called) == STAGES[:3] and not any(l.startswith('online') for l in called)                 # an interrupted stage stops the chain
    code, called = make(tmp_path)
    assert code == 0 and stages(called) == STAGES[2:] and called[0].startswith('base') and stages(called, 'online') == ONLINE
    assert make(tmp_path) == (0, [])

def test_train_stage_again(tmp_path):
    make(tmp_path)
    for f in ('base_mixed', 'base'): (tmp_path / 'work' / f'{f}.done').unlink()
    code, called = make(tmp_path)
    assert stages(called) == STAGES[3:] and stages(called, 'online') == ONLINE                                    # this stage and all after it
    for f in ('online_onpolicy', 'online'): (tmp_path / 'work' / f'{f}.done').unlink()
    code, called = make(tmp_path)
    assert not stages(called) and stages(called, 'online') == ONLINE[2:]

def test_encode_goes_on_or_begins_anew(tmp_path):
    mark = tmp_path / 'work' / 'features' / 'mark'
    assert make(tmp_path, stop='launch.encode')[0]
    mark.parent.mkdir(parents=True, exist_ok=True); mark.touch()
    assert make(tmp_path)[0] == 0 and mark.exists()                                                               # interrupted features are gone on with
    (tmp_path / 'work' / 'encode.done').unlink(); code, called = make(tmp_path)
    assert code == 0 and not mark.exists() and stages(called) == STAGES                                           # new ones mean new training
