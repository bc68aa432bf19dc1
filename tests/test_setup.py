"The installer's messages: what a newcomer sees when something is missing. Nothing is installed here."
import os, subprocess
from conftest import ROOT

def setup_sh(tmp_path, kind='run', path=None, **env):
    e = {'PATH': path or os.environ['PATH'], 'HOME': str(tmp_path), 'VENV': str(tmp_path / 'venv'), **env}
    return subprocess.run(['/bin/sh', str(ROOT / 'tools' / 'setup.sh'), kind], env=e, capture_output=True, text=True, timeout=120)

def tools(tmp_path, **scripts):
    "A folder with the ordinary commands and some of our own in front."
    d = tmp_path / 'bin'; d.mkdir()
    for name in ('cat', 'cksum', 'cut', 'mkdir', 'df', 'awk', 'id', 'rm', 'tee', 'grep', 'dirname', 'printf', 'sh'):
        for p in ('/usr/bin', '/bin'):
            if os.path.exists(f'{p}/{name}'): os.symlink(f'{p}/{name}', d / name); break
    for name, text in scripts.items(): f = d / name; f.write_text('#!/bin/sh\n' + text + '\n'); f.chmod(0o755)
    return str(d)

def test_no_python(tmp_path):
    r = setup_sh(tmp_path, path=tools(tmp_path))
    assert r.returncode == 1 and 'no Python 3.10 to 3.12 was found' in r.stderr and 'PYTHON=' in r.stderr

def test_old_python(tmp_path):
    r = setup_sh(tmp_path, path=tools(tmp_path, python3='[ "$1" = --version ] && echo Python 3.8.1; exit 1'))
    assert r.returncode == 1 and 'Python 3.8.1' in r.stderr

def test_full_disk(tmp_path):
    tools(tmp_path, python3='exit 0'); f = tmp_path / 'bin' / 'df'; f.unlink()
    f.write_text('#!/bin/sh\necho h\necho "x 1 1 1048576 1% /"\n'); f.chmod(0o755)
    r = setup_sh(tmp_path, path=str(tmp_path / 'bin'))
    assert r.returncode == 1 and 'has 1 GB free' in r.stderr and 'VENV=' in r.stderr

def fake_pip(tmp_path, message):
    d = tmp_path / 'venv' / 'bin'; d.mkdir(parents=True)
    (d / 'python').write_text(f'#!/bin/sh\necho "{message}"; exit 1\n'); (d / 'python').chmod(0o755)
    return setup_sh(tmp_path)

def test_no_network(tmp_path):
    r = fake_pip(tmp_path, 'NewConnectionError: Temporary failure in name resolution')
    assert r.returncode == 1 and 'cannot be reached' in r.stderr

def test_no_compiler(tmp_path):
    r = fake_pip(tmp_path, "error: command 'gcc' failed: No such file or directory")
    assert r.returncode == 1 and 'build-essential' in r.stderr

def test_ready_environment_is_left_alone(tmp_path):
    assert setup_sh(tmp_path, SETUP='no').returncode == 0 and not (tmp_path / 'venv').exists()

def test_make_knows_its_targets():
    r = subprocess.run(['make', '-n', 'perform', 'SPEAK=it is mine.wav', 'SETUP=no'], cwd=ROOT, capture_output=True, text=True)
    assert r.returncode == 0 and '--speak "$SPEAK"' in r.stdout and '--listen' not in r.stdout
    r = subprocess.run(['make', '-n', 'perform', 'SETUP=no'], cwd=ROOT, capture_output=True, text=True)
    assert 'answer.flac' in r.stdout and 'question.flac' in r.stdout
