"The main job with bad input: one clear line, an exit code, nothing half-written. (What it does with good input: further down, when there are weights.)"
import os, struct, sys, wave
import pytest
from conftest import ROOT, run

if not (ROOT / 'lpm' / 'cli.py').exists(): pytest.skip('lpm.cli is not written yet', allow_module_level=True)
pytestmark = pytest.mark.xdist_group('perform')

def cli(monkeypatch, capfd, *args):
    "The command in this process: (exit code, stdout, stderr)."
    from lpm.cli import main
    monkeypatch.setattr(sys, 'argv', ['lpm', *map(str, args)])
    with pytest.raises(SystemExit) as e: main()
    o = capfd.readouterr()
    code = e.value.code
    return (0 if code is None else code if isinstance(code, int) else 1), o.out, o.err

def pcm(path, n=16000, channels=1):
    with wave.open(str(path), 'wb') as f: f.setnchannels(channels); f.setsampwidth(2); f.setframerate(16000); f.writeframes(bytes(2 * n * channels))
    return path

@pytest.fixture
def bad(tmp_path):
    "Broken recordings by name."
    (tmp_path / 'empty.wav').touch(); (tmp_path / 'text.mp3').write_text('only the name says music'); (tmp_path / 'folder').mkdir()
    pcm(tmp_path / 'zero.wav', 0)
    d = struct.pack('<f', float('nan')) * 8000
    (tmp_path / 'nan.wav').write_bytes(b'RIFF' + struct.pack('<I', 36 + len(d)) + b'WAVEfmt ' + struct.pack('<IHHIIHH', 16, 3, 1, 16000, 64000, 4, 32) + b'data' + struct.pack('<I', len(d)) + d)
    return tmp_path

def one_line(code, err, *words):
    assert code != 0
    assert 'Traceback' not in err and len([x for x in err.strip().split('\n') if x.strip()]) <= 3, err
    flat = ' '.join(err.split())
    assert all(w in flat for w in words), err

@pytest.mark.parametrize('name,why', [('missing.wav', 'does not exist'), ('empty.wav', 'empty'), ('text.mp3', 'cannot be read'), ('folder', 'folder'), ('zero.wav', 'zero'), ('nan.wav', 'NaN')])
@pytest.mark.parametrize('side', ['--speak', '--listen'])
def test_bad_recording(monkeypatch, capfd, bad, name, why, side):
    out = bad / 'talk.mp4'
    code, _, err = cli(monkeypatch, capfd, 'perform', side, bad / name, '--out', out)
    one_line(code, err, why); assert not out.exists() and not [p for p in os.listdir(bad) if 'talk' in p]

@pytest.mark.parametrize('args,why', [(['--seconds', '0'], 'seconds'), (['--seconds', '-3'], 'seconds'), (['--character', 'amebr'], 'amber'), (['--character', 'nobody.jpg'], 'nobody')])
def test_bad_argument(monkeypatch, capfd, tmp_path, args, why):
    code, _, err = cli(monkeypatch, capfd, 'perform', '--speak', pcm(tmp_path / 'a.wav'), *args, '--out', tmp_path / 'talk.mp4')
    one_line(code, err, why); assert not (tmp_path / 'talk.mp4').exists()

@pytest.mark.parametrize('out', ['no/such/folder/talk.mp4', 'folder'])
def test_unwritable(monkeypatch, capfd, tmp_path, out):
    (tmp_path / 'folder').mkdir()
    code, _, err = cli(monkeypatch, capfd, 'perform', '--speak', pcm(tmp_path / 'a.wav'), '--out', tmp_path / out)
    one_line(code, err, 'written' if out != 'folder' else 'folder')

def test_unknown_command_in_a_fresh_process():
    r = run(sys.executable, '-c', 'from lpm.cli import main; main()', 'perfrom', check=False)
    assert r.returncode != 0 and 'Traceback' not in r.stderr

def test_help_in_a_fresh_process():
    r = run(sys.executable, '-c', 'from lpm.cli import main; main()', '--help')
    assert 'perform' in r.stdout
