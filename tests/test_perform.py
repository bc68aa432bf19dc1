"The main job beyond what the pages show: every bad input, two fresh runs to the byte, Ctrl-C, three hours, real recordings."
import contextlib, io, json, os, random, signal, struct, subprocess, sys, time
from pathlib import Path
import numpy as np
import pytest, torch
from hypothesis import given, settings, strategies as st
from conftest import ROOT, clean_env
from lpm import cli
from lpm.config import debug
from lpm.media import read_audio, write_audio
from lpm.perform import Meter, Performer, Sound, untrained

pytestmark = pytest.mark.xdist_group('perform')     # one process: the text encoder is loaded once

@pytest.fixture(scope='module')
def weights(tmp_path_factory): return untrained(debug(), tmp_path_factory.mktemp('weights')/'debug')

@pytest.fixture(scope='module', autouse=True)
def one_text_encoder():
    "Loading the text encoder for every command would be most of the time."
    from lpm.text import TextEncoder
    real, kept = TextEncoder.from_config, {}
    TextEncoder.from_config = lambda cfg: kept.setdefault(cfg, real(cfg))
    yield
    TextEncoder.from_config = real

@pytest.fixture()
def lpm(weights, tmp_path, monkeypatch):
    "Run `lpm perform` in an own folder; exit code, stdout, stderr."
    monkeypatch.chdir(tmp_path)
    def run(*argv, cmd='perform', w=True):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main([*cmd.split(), *map(str, argv), *(['--weights', weights] if w else [])])
        return code, out.getvalue(), err.getvalue()
    return run

def voice(seconds, seed=0):
    "Something like syllables: noise that swells four times a second."
    g = torch.Generator().manual_seed(seed); n = int(seconds*16000); t = torch.arange(n)/16000
    return torch.randn(n, generator=g)*.1*torch.sin(4*np.pi*t).square()

def durations(path):
    "Seconds of picture and of sound, from packets and edit list, as a player sees them."
    import av
    with av.open(str(path)) as c:
        v, a = c.streams.video[0], c.streams.audio[0]
        return float(v.duration*v.time_base), float(a.duration*a.time_base), v.frames

def refused(r, code, *words):
    assert r[0] == code, r
    assert r[1] == '' and r[2].count('\n') == 1 and r[2].endswith('\n') and 'Traceback' not in r[2], r
    for w in words: assert w in r[2], (w, r)

# --- what goes in ---------------------------------------------------------------------------------------------------
def wav_file(path, data=b'', channels=1, bits=16, rate=16000, kind=1, claim=None):
    n = len(data) if claim is None else claim
    head = struct.pack('<4sI4s4sIHHIIHH4sI', b'RIFF', (36 + n) & 0xffffffff, b'WAVE', b'fmt ', 16, kind, channels, rate, rate*channels*bits//8, channels*bits//8, bits, b'data', n)
    Path(path).write_bytes(head + data); return path

def test_bad_recordings(lpm, tmp_path):
    nan = np.zeros(16000, np.float32); nan[7000] = np.nan
    rng = random.Random(0)
    (tmp_path/'empty.wav').touch(); (tmp_path/'notes.txt').write_text('dear diary'); (tmp_path/'folder').mkdir()
    (tmp_path/'noise.mp3').write_bytes(bytes(rng.randrange(256) for _ in range(5000)))
    cases = {'missing.wav': 'does not exist', 'empty.wav': 'is empty', 'notes.txt': 'cannot be read', 'folder': 'is a folder', 'noise.mp3': 'noise.mp3', '': 'folder',
             wav_file('none.wav'): 'length of zero', wav_file('nan.wav', nan.tobytes(), bits=32, kind=3): 'not numbers'}
    before = sorted(os.listdir(tmp_path))
    for name, why in cases.items():
        for option in ('--speak', '--listen'): refused(lpm(option, name, '--out', 'new/film.mp4', '--report', 'new/r.json'), 1, why)
    assert sorted(os.listdir(tmp_path)) == before

def test_odd_recordings_work(lpm, tmp_path):
    write_audio('silent.wav', torch.zeros(24000))
    eight = (voice(1.5)[:, None].expand(-1, 8).numpy()*32767).astype('<i2'); wav_file('eight.wav', eight.tobytes(), channels=8)
    slow = (voice(1.5)[::2].numpy()*127 + 128).astype('u1'); wav_file('slow.wav', slow.tobytes(), bits=8, rate=8000)
    for name in ('silent.wav', 'eight.wav', 'slow.wav'):
        r = lpm('--speak', name, '--out', 'f.mp4', '--report', 'r.json', '--native')
        assert r[0] == 0 and r[2] == '', r
        d = json.loads(Path('r.json').read_text())
        assert d['frames'] == 36 and abs(d['audio_video_skew_ms']) < 1 and (d['sync'] is None) == (name == 'silent.wav')

def test_damage_in_the_middle_leaves_nothing(lpm, tmp_path):
    w = voice(6).numpy().astype('<f4'); w[70000] = np.inf; wav_file('late.wav', w.tobytes(), bits=32, kind=3)
    refused(lpm('--speak', 'late.wav', '--out', 'a/b/f.mp4', '--frames', 'a/pics', '--strip', 'a/s.png', '--report', 'r.json', '--native'), 1, 'not numbers', '4.38 s')
    assert os.listdir(tmp_path) == ['late.wav']

def test_three_hours(lpm, tmp_path):
    n = 3*3600*16000*2; wav_file('long.wav', claim=n)
    with open('long.wav', 'r+b') as f: f.truncate(44 + n)       # sparse: 345 MB that take no disk
    t = time.time()
    assert lpm('--speak', 'long.wav', '--listen', 'long.wav', '--seconds', 3, '--native', '--report', 'r.json', '--out', 'f.mp4')[0] == 0
    d = json.loads(Path('r.json').read_text())
    assert d['frames'] == 72 and time.time() - t < 60
    s = Sound('long.wav'); s.take(50000)
    assert len(s.buf) <= 16001

def test_memory_is_flat(weights):
    p, m = Performer.from_pretrained(weights, text=False), Meter()
    for c in p.stream(speak=(voice(1, i) for i in range(60)), listen=torch.zeros(10), seconds=60): m.add(c)
    r = m.summary(1440)
    assert r['frames'] == 1440 and abs(r['rss_slope_mb_per_min']) < 8, r

@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(0, 30000), max_size=6), st.integers(1, 20000))
def test_pieces_do_not_matter(cuts, want):
    w = voice(sum(cuts)/16000 + .01); s, got = Sound(iter(w.split([*cuts, len(w) - sum(cuts)]))), []
    while not s.over: got.append(s.take(want))
    assert torch.equal(torch.cat(got), w) and all(len(g) == want for g in got[:-1])

# --- directions -----------------------------------------------------------------------------------------------------
def test_text_of_any_script_and_length(lpm):
    for t in ['', ' ', '\n\t', 'улыбается', '笑って、左を見る', 'ابتسم', '🙂'*50, '\udcff\udc00', 'a\x00b', 'smile '*40_000, '<s>[MASK]']:
        assert lpm('--text', t, '--seconds', .1, '--native')[0] == 0, repr(t[:20])
    Path('d.txt').write_text('\ufeff0 calm\n00:01 laughing, señor\n', encoding='utf-8')
    assert lpm('--script', 'd.txt', '--seconds', 2, '--native')[0] == 0

def test_bad_scripts(lpm):
    for text, why in ((b'0 a\nx b', 'line 2'), (b'5 a\n5 b', 'line 2'), (b'', 'is empty'), (b'\n# only a comment\n', 'no direction'), (b'\xff\xfe\x00', 'UTF-8'), (b'-1 a', 'line 1'), (b'inf a', 'line 1')):
        Path('d.txt').write_bytes(text); refused(lpm('--script', 'd.txt', '--seconds', 1), 1, why)
    refused(lpm('--script', 'none.txt'), 1, 'does not exist'); refused(lpm('--script', 'd.txt', '--text', 'x'), 2, '--text and --script')

# --- numbers, names, places ------------------------------------------------------------------------------------------
def test_mistyped(lpm, tmp_path):
    for s in ('0', '-1', 'nan', 'inf', '-inf', '1e400'): refused(lpm('--seconds', s), 2, 'seconds')
    for argv in (['--seed', '-1'], ['--size', '63'], ['--size', '9999999'], ['--mix', '2'], ['--mix', 'nan'], ['--threads', '0'], ['--what'], ['--speak'], ['stray'], ['--native', '--size', '64'], ['--out', 'f.mov']):
        refused(lpm(*argv, '--seconds', '1'), 2, 'lpm perform')
    for argv in (['--dtype', 'int4'], ['--model', 'x'], ['--references', 'x'], ['--weights', 'x/y/z']): refused(lpm(*argv, '--seconds', 1, w='--weights' not in argv), 1)
    refused(lpm(cmd='preform', w=False), 2, 'perform'); refused(lpm('nobody', cmd='info', w=False), 1, 'tiny, small')
    assert os.listdir(tmp_path) == []

def test_characters(lpm, tmp_path):
    from PIL import Image
    refused(lpm('--character', 'ambre', '--seconds', 1), 1, 'amber'); refused(lpm('--character', 'faces/me.png', '--seconds', 1), 1, 'does not exist')
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 70, 3), dtype=np.uint8)).save('me.png')
    r = lpm('--character', 'me.png', '--seconds', .5, '--native', '--out', 'f.mp4')
    assert r[0] == 0 and 'photograph' in r[2] and r[2].count('\n') == 1
    assert lpm('me.png', '--out', 'mine', '--size', 32, cmd='character new', w=False)[0] == 0
    assert lpm('--character', 'mine', '--seconds', .5, '--native', '--out', 'f.mp4')[0] == 0
    refused(lpm('me.png', '--out', 'mine', cmd='character new', w=False), 1, 'not an empty folder')
    (tmp_path/'mine'/'character.json').write_text('{'); refused(lpm('--character', 'mine', '--seconds', 1), 1, 'not valid JSON')
    (tmp_path/'bare').mkdir(); refused(lpm('--character', './bare/', '--seconds', 1), 1)
    (tmp_path/'cut.png').write_bytes((tmp_path/'me.png').read_bytes()[:300]); refused(lpm('--character', 'cut.png', '--seconds', 1), 1, 'cut.png')

def test_places(lpm, tmp_path):
    write_audio('v.wav', voice(1)); os.rename('v.wav', 'v.mp4'); sound = Path('v.mp4').read_bytes()
    Path('file').write_text('x'); (tmp_path/'full').mkdir(); (tmp_path/'full'/'a').touch(); (tmp_path/'dir.mp4').mkdir()
    refused(lpm('--speak', 'v.mp4', '--out', './v.mp4'), 1, '--speak', '--out'); refused(lpm('--seconds', 1, '--strip', 'x', '--report', 'x'), 1, '--strip', '--report')
    for out in ('file/f.mp4', 'dir.mp4', '/proc/f.mp4'): refused(lpm('--seconds', 1, '--out', out), 1, out)
    refused(lpm('--seconds', 1, '--frames', 'full'), 1, 'not an empty folder'); refused(lpm('--seconds', 1, '--report', 'dir.mp4'), 1, 'is a folder')
    assert Path('v.mp4').read_bytes() == sound and sorted(os.listdir(tmp_path)) == ['dir.mp4', 'file', 'full', 'v.mp4']
    assert lpm('--seconds', .5, '--out', 'a/b/c/f.mp4', '--strip', 'a/s.png', '--frames', 'a/pics')[0] == 0
    assert len(os.listdir('a/pics')) == 12 and Path('a/b/c/f.mp4').is_file() and Path('a/s.png').is_file()

# --- what comes out -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize('model', ['online', 'base'])
def test_picture_and_sound_have_one_length(lpm, model):
    for n in (640, 16000, 53791):
        write_audio('v.wav', voice(n/16000)[:n])
        assert lpm('--speak', 'v.wav', '--out', 'f.mp4', '--native', '--model', model)[0] == 0
        v, a, frames = durations('f.mp4')
        assert abs(v - a) < 1e-3 and frames == max(1, -(-n*24//16000)), (n, v, a, frames)

def test_sound_is_kept(lpm):
    write_audio('v.wav', voice(3)); write_audio('q.wav', voice(2, 1))
    for argv, want in ((['--speak', 'v.wav'], voice(3)), (['--listen', 'q.wav'], voice(2, 1)), (['--speak', 'v.wav', '--listen', 'q.wav', '--mix', '.25'], voice(3) + .25*torch.nn.functional.pad(voice(2, 1), (0, 16000)))):
        assert lpm(*argv, '--out', 'f.mp4', '--native')[0] == 0
        got = read_audio('f.mp4'); n = min(len(got), len(want))
        assert n >= len(want) - 1 and float(torch.corrcoef(torch.stack([got[:n], want[:n]]))[0, 1]) > .95

def test_two_fresh_processes_write_the_same_bytes(weights, tmp_path):
    write_audio(tmp_path/'v.wav', voice(1.7))
    for k, seed in enumerate((3, 3, 4)):
        r = subprocess.run([sys.executable, '-m', 'lpm.cli', 'perform', '--speak', 'v.wav', '--seed', str(seed), '--weights', weights, '--out', f'{k}.mp4'], cwd=tmp_path, env=clean_env(), capture_output=True, text=True, timeout=120)
        assert r.returncode == 0 and r.stderr == '', r.stderr
    a, b, c = ((tmp_path/f'{k}.mp4').read_bytes() for k in range(3))
    assert a == b and a != c

@pytest.mark.parametrize('sig', [signal.SIGINT, signal.SIGTERM])
def test_interrupted(weights, tmp_path, sig):
    p = subprocess.Popen([sys.executable, '-m', 'lpm.cli', 'perform', '--seconds', '3000', '--native', '--weights', weights, '--out', 'a/f.mp4', '--frames', 'a/pics', '--report', 'r.json'],
                         cwd=tmp_path, env=clean_env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    def made(): return len(list(tmp_path.glob('a/.pics*/*.png')))
    t = time.time()
    while made() < 60 and p.poll() is None and time.time() - t < 60: time.sleep(.2)
    assert made() >= 60, p.communicate()
    p.send_signal(sig); out, err = p.communicate(timeout=30)
    assert p.returncode == 130 and err.strip() == 'lpm: interrupted: a/f.mp4 was not written, the partial file was removed' and out == ''
    assert os.listdir(tmp_path) == []

# --- long films ------------------------------------------------------------------------------------------------------
def start(tmp_path, *argv): return subprocess.Popen([sys.executable, '-m', 'lpm.cli', 'perform', *argv], cwd=tmp_path, env=clean_env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

def stopped(tmp_path, argv, sig, kept, resume='keep'):
    "Start a film, send a signal when so many seconds are kept."
    from lpm.longform import kept as have
    p, t = start(tmp_path, *argv), time.time()
    while have(tmp_path/resume) < kept and p.poll() is None and time.time() - t < 90: time.sleep(.02)
    assert p.poll() is None and have(tmp_path/resume) >= kept, p.communicate()
    p.send_signal(sig); out, err = p.communicate(timeout=30)
    return p.returncode, out, err

@pytest.mark.parametrize('model,kills,blend', [('online', [10], 0), ('base', [10, 20], 2)])
def test_killed_and_resumed(weights, tmp_path, model, kills, blend):
    "The film, its frames and its strip are those of an undisturbed run; nothing else is left."
    s = kills[-1] + 6; write_audio(tmp_path/'v.wav', voice(s)); before = os.listdir(tmp_path)
    argv = ['--speak', 'v.wav', '--text', 'calm', '--seed', '5', '--native', '--model', model, '--weights', weights, *(['--blend', str(blend), '--steps', '2', '--guide-listen', '1'] if model == 'base' else [])]
    outs = lambda d: ['--out', f'{d}/f.mp4', '--frames', f'{d}/pics', '--strip', f'{d}/s.png', '--report', f'{d}/r.json']
    for seconds in kills: assert stopped(tmp_path, [*argv, *outs('a'), '--resume', 'keep'], signal.SIGKILL, seconds)[0] == -signal.SIGKILL
    assert any('.part' in f for f in os.listdir(tmp_path/'a')) and not (tmp_path/'a'/'f.mp4').exists()
    for d, more in (('a', ['--resume', 'keep']), ('b', [])):
        p = start(tmp_path, *argv, *outs(d), *more); out, err = p.communicate(timeout=120); assert p.returncode == 0, err
        assert (f'{kills[-1]} s of this film are in keep' in err) == bool(more)
    files = lambda d: {str(f.relative_to(tmp_path/d)): f.read_bytes() for f in sorted((tmp_path/d).rglob('*')) if f.is_file() and f.name != 'r.json'}
    assert files('a') == files('b') and len(files('a')) == s*24 + 2
    assert sorted(os.listdir(tmp_path)) == sorted([*before, 'a', 'b']) and json.loads((tmp_path/'a'/'r.json').read_text())['kept_s'] == round(kills[-1] + (1 - 4*blend)/24, 3)

def test_interrupted_politely_keeps_what_it_was_told_to_keep(weights, tmp_path):
    argv = ['--seconds', '3000', '--native', '--weights', weights, '--out', 'a/f.mp4', '--resume', 'keep']
    code, out, err = stopped(tmp_path, argv, signal.SIGINT, 10)
    assert code == 130 and out == '' and err.strip() == 'lpm: interrupted: a/f.mp4 was not written, the partial file was removed; what was made is kept in keep, the same command goes on from there'
    assert os.listdir(tmp_path) == ['keep']

def test_a_folder_of_another_film_is_refused(lpm, tmp_path):
    from lpm.longform import Journal
    for k, s in ((1, 'v'), (2, 'q')): write_audio(f'{s}.wav', voice(1.5, k))
    argv = ['--speak', 'v.wav', '--native', '--out', 'f.mp4']; old = Journal._open
    def opens(self, key): old(self, key); raise KeyboardInterrupt      # stopped when the folder has just been made
    Journal._open = opens
    try: assert lpm(*argv, '--resume', 'keep')[0] == 130
    finally: Journal._open = old
    for change, why in ((['--seed', 1], 'seed'), (['--listen', 'q.wav'], 'voices'), (['--text', 'sad'], 'text'), (['--character', 'jade'], 'character'), (['--references', 'all'], 'references'), (['--model', 'base'], 'model'), (['--seconds', 1], 'frames'), (['--dtype', 'bfloat16'], 'dtype')):
        refused(lpm(*argv, '--resume', 'keep', *change), 1, 'keep belongs to another film', why)
    (tmp_path/'full').mkdir(); (tmp_path/'full'/'diary').touch()
    refused(lpm(*argv, '--resume', 'full'), 1, 'holds other things'); refused(lpm(*argv, '--resume', 'v.wav'), 1, '--speak', '--resume'); refused(lpm(*argv, '--resume', 'full/diary'), 1, 'cannot be made')
    refused(lpm(*argv, '--resume', 'f.mp4'), 1, '--out', '--resume'); refused(lpm(*argv, '--resume', '/proc/x'), 1, '/proc/x')
    assert lpm(*argv, '--resume', 'keep', '--out', 'g.mp4', '--mix', .1)[0] == 0          # what the latents do not depend on may change
    assert sorted(os.listdir(tmp_path)) == ['full', 'g.mp4', 'q.wav', 'v.wav'] and os.listdir('full') == ['diary']

def test_base_answers_what_it_is_given(lpm, tmp_path):
    "Empty prompt, 10,000 words, no references, nine expressions, broken sound: a film or a line."
    base = ['--model', 'base', '--steps', 1, '--seconds', .5, '--native', '--out', 'f.mp4']; film = lambda: Path('f.mp4').read_bytes()
    assert lpm(*base, '--text', '')[0] == 0; empty = film()
    assert lpm(*base, '--text', ' \n')[0] == 0 and film() == empty
    assert lpm(*base, '--text', 'furious')[0] == 0 and film() != empty
    r = lpm(*base, '--text', 'one two three ' + 'word '*10_000); assert r[0] == 0 and r[2].count('\n') == 1 and 'longer than 24 tokens, the rest is not read: one two three' in r[2]; long = film()
    assert lpm(*base, '--text', 'one two three ' + 'word '*100)[0] == 0 and film() == long
    assert lpm('amber', '--out', 'nine', '--size', 32, cmd='character new', w=False)[0] == 0
    d = json.loads(Path('nine/character.json').read_text()); smile = next(r for r in d['references'] if r['sub'] == 'happy')
    d['references'] = [r for r in d['references'] if r['kind'] != 'view'] + [smile]; assert sum(r['kind'] == 'expression' for r in d['references']) == 9
    Path('nine/character.json').write_text(json.dumps(d)); films = {}
    for which in ('none', 'portrait', 'all'): assert lpm(*base, '--character', 'nine', '--references', which)[0] == 0; films[which] = film()
    assert len(set(films.values())) == 3
    nan = np.zeros(16000, np.float32); nan[7000] = np.nan; wav_file('nan.wav', nan.tobytes(), bits=32, kind=3); Path('f.mp4').unlink(); before = sorted(os.listdir(tmp_path))
    for argv, code, why in ((['--speak', 'nan.wav'], 1, 'not numbers'), (['--listen', 'nan.wav', '--resume', 'keep'], 1, 'not numbers'), (['--guide-refs', 'nan'], 2, 'not a scale'), (['--guide-text', 'much'], 2, '--guide-text'), (['--steps', 0], 2, '--steps'),
                            (['--blend', 7], 2, '--blend'), (['--overlap', 14], 2, '--overlap'), (['--overlap', 1, '--blend', 2], 1, '0 to 1 latents')):
        refused(lpm(*base, *argv), code, why); assert sorted(os.listdir(tmp_path)) == before, argv
    for argv in (['--guide-speak', 2], ['--overlap', 1], ['--steps', 8]): refused(lpm(*argv, '--seconds', 1), 2, argv[0], 'add --model base')

def test_bad_arguments_from_python(weights):
    from lpm.notation import LpmError
    p, w = Performer.from_pretrained(weights, 'base', text=False), voice(1)
    for kw, why in ((dict(speak=torch.zeros(9, 16000)), 'speak: blocks of float samples'), (dict(listen=torch.zeros(9, dtype=torch.int16)), 'listen: blocks of float samples'), (dict(speak=w*float('nan')), 'speak holds samples that are not numbers'),
                    (dict(references=[('expression', 9)]), 'references: unknown expression 9'), (dict(references=[('smile', 1)]), "unknown kind 'smile'"), (dict(references=5), 'references: one of none'), (dict(text=3), 'text: a line'),
                    (dict(text=[(float('nan'), 'a')]), 'times of directions'), (dict(scales={'refs': float('inf')}), 'refs is inf'), (dict(renoise=-1), 'renoise is -1'), (dict(blend=3, overlap=2), 'blend is 3'), (dict(seconds=0), 'seconds is 0')):
        with pytest.raises(LpmError, match=why) as e: next(iter(p.stream(**{'seconds': 1, 'steps': 1, **kw})))
        assert '\n' not in str(e.value)

def test_prompts_of_125_frames(weights):
    p = Performer.from_pretrained(weights, text=False)
    assert [c.text for c in p.stream(text=['calm', 'angry'], seconds=8)] == ['calm']*6 + ['angry']*2

# --- the other commands ----------------------------------------------------------------------------------------------
def test_help_is_light():
    code = 'import sys, lpm.cli; assert lpm.cli.main(["--help"]) == 0; bad = {"torch", "numpy", "av", "transformers", "matplotlib"} & set(sys.modules); assert not bad, bad'
    r = subprocess.run([sys.executable, '-c', code], env=clean_env(), cwd=ROOT, capture_output=True, text=True)
    assert r.returncode == 0 and 'perform' in r.stdout, r.stderr

def test_info_doctor_bench(lpm):
    for name in ('tiny', 'small', 'debug'):
        d = json.loads(lpm(name, '--json', cmd='info', w=False)[1])
        assert set(d['components']) == {'vae', 'base', 'backbone', 'refiner', 'text', 'audio'} and all({'parameters', 'bytes', 'from', 'shapes'} <= set(c) for c in d['components'].values())
    assert d['components']['text']['parameters'] == 22_713_216
    assert lpm(cmd='doctor', w=False)[0] == 0
    r = json.loads(lpm('--seconds', 2, '--json', cmd='bench speed')[1])
    assert {'real_time_factor', 'first_chunk_s', 'chunk_ms_p50', 'stage_ms', 'threads', 'load_s'} <= set(r)
    assert 'amber' in json.loads(lpm('--json', cmd='character list', w=False)[1])

def test_bench_speed_takes_the_model_apart(lpm):
    pytest.importorskip('diffusers')
    assert lpm('--seconds', 12, '--record', 'parts/speed.json', '--json', cmd='bench speed')[0] == 0
    d = json.loads(Path('parts/speed.json').read_text())
    assert d['growth']['late'] == 120 and d['growth']['pairs'] == 48 and len(d['growth']['long']['ms']) == 59
    assert not d['second']['backbone']['refiner'] and d['second']['refined']['refiner'] and 'copy' in d['refiner']
    for r in d['race'].values(): assert r['difference']['fresh'] == 0 and r['difference']['whole'] < (1e-4 if r['dtype'] == 'float32' else .1), r
    refused(lpm('--seconds', 3, '--record', 'x.json', cmd='bench speed'), 1, 'seconds is 3')
    refused(lpm('--model', 'base', '--record', 'x.json', cmd='bench speed'), 2, '--record', 'online')
    refused(lpm('--seconds', 12, '--record', 'parts', cmd='bench speed'), 1, 'is a folder')
    assert not Path('x.json').exists()

# --- real recordings --------------------------------------------------------------------------------------------------
@pytest.mark.realdata
def test_real_recordings(realdata, lpm):
    files = sorted((realdata/'speech').glob('*.wav'))[::3]
    assert len(files) >= 10
    for f in files:
        r = lpm('--speak', f, '--seconds', 1.5, '--native', '--out', 'f.mp4', '--report', 'r.json')
        d = json.loads(Path('r.json').read_text())
        assert r[0] == 0 and d['frames'] == 36 and abs(d['audio_video_skew_ms']) < 1, (f.name, r)

@pytest.mark.realdata
def test_real_photographs(realdata, lpm):
    for f in sorted((realdata/'portraits').glob('*.*'))[:3]:
        r = lpm('--character', f, '--seconds', .5, '--native', '--out', 'f.mp4')
        assert r[0] == 0 and 'photograph' in r[2], (f.name, r)
