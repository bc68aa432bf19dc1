"Sound and film beyond what the page shows: real files, three hours, random damage, arbitrary pieces."
import os, random, resource, subprocess, sys, wave
import numpy as np
import pytest, torch
from hypothesis import given, settings, strategies as st
from lpm.media import VideoWriter, iter_audio, iter_video, measure_skew, read_audio, read_image, sync_card, write_audio
from lpm.notation import LpmError

def test_three_hours_in_constant_memory(tmp_path):
    p = tmp_path / 'long.wav'
    with wave.open(str(p), 'wb') as f:
        f.setnchannels(1); f.setsampwidth(1); f.setframerate(8000)
        for _ in range(180): f.writeframes(bytes([128, 140]) * (8000 * 30))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(len(b) for b in iter_audio(p, 10.)) == 3 * 3600 * 16000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000       # kB; the file has 86 MB
    with pytest.raises(LpmError, match='longer than'): read_audio(p)
    os.remove(p)

@pytest.mark.parametrize('suffix', ['.wav', '.mp3', '.flac', '.m4a'])
def test_damage_is_survived_or_refused(tmp_path, suffix):
    "Random damage: either some sound or one line, nothing else."
    rng = random.Random(0); g = torch.Generator().manual_seed(0)
    write_audio(tmp_path / f'a{suffix}', torch.randn(48000, generator=g) * .1)
    data = (tmp_path / f'a{suffix}').read_bytes()
    for k in range(12):
        b = bytearray(data)
        for _ in range(rng.choice([1, 10, 200])): b[rng.randrange(len(b))] = rng.randrange(256)
        if k % 3 == 0: b = b[:rng.randrange(len(b))]
        p = tmp_path / f'b{suffix}'; p.write_bytes(b)
        try: w = read_audio(p)
        except LpmError as e: assert '\n' not in str(e) and p.name in str(e)
        else: assert torch.isfinite(w).all() and w.abs().max() <= 1

@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 20000)), min_size=1, max_size=5), st.sampled_from([16000, 24000, 44100, 48000]))
def test_any_pieces_give_frames_and_sound_of_one_length(tmp_path_factory, pieces, rate):
    "However the pieces are cut, the film has all frames and sound up to the last of them."
    p = tmp_path_factory.mktemp('w') / 'v.mp4'
    with VideoWriter(p, 32, sample_rate=rate) as vw:
        for n, m in pieces: vw.write(torch.full((n, 32, 32, 3), 90, dtype=torch.uint8), torch.full((m,), .1))
    T = sum(n for n, _ in pieces)
    assert vw.frames == T and vw.samples == round(T * rate / 24)
    assert sum(1 for _ in iter_video(p)) == T
    assert abs(len(read_audio(p)) - round(T * 16000 / 24)) <= 2

def test_skew_over_a_minute(tmp_path):
    f, w = sync_card(10)
    with VideoWriter(tmp_path / 'v.mp4', 64) as vw:
        for _ in range(6): vw.write(f, w)
    assert abs(measure_skew(tmp_path / 'v.mp4')) < 1
    heard = read_audio(tmp_path / 'v.mp4')
    assert abs(int(heard[59 * 16000 - 400:59 * 16000 + 400].abs().gt(.4).nonzero()[0]) - 400) <= 16     # the last beep too: 1 ms

def test_ctrl_c_leaves_nothing(tmp_path):
    code = '''
import os, signal, sys, torch
from lpm.media import VideoWriter
with VideoWriter(sys.argv[1], 64) as vw:
    for i in range(1000):
        vw.write(torch.zeros(24, 64, 64, 3, dtype=torch.uint8), torch.zeros(16000))
        if i == 3: os.kill(os.getpid(), signal.SIGINT)
'''
    from conftest import ROOT, clean_env
    r = subprocess.run([sys.executable, '-c', code, str(tmp_path / 'v.mp4')], cwd=ROOT, env=clean_env(), capture_output=True, text=True, timeout=120)
    assert r.returncode != 0 and 'KeyboardInterrupt' in r.stderr
    assert os.listdir(tmp_path) == []

@pytest.mark.realdata
def test_real_recordings(realdata):
    files = sorted((realdata / 'speech').glob('*.wav'))
    assert len(files) >= 10
    for f in files:
        w = read_audio(f)
        assert len(w) > 1600 and torch.isfinite(w).all() and w.abs().max() <= 1 and w.std() > 1e-4, f.name

@pytest.mark.realdata
def test_real_films_and_portraits(realdata):
    for f in sorted((realdata / 'talking').glob('*.mp4'))[:4]:
        n = 0
        for a in iter_video(f, 64):
            assert a.shape == (64, 64, 3) and a.dtype == np.uint8; n += 1
            if n == 24: break
        assert n == 24, f.name
    for f in sorted((realdata / 'portraits').glob('*')): assert read_image(f, 64).shape == (3, 64, 64)
