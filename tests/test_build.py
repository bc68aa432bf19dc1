"`lpm data build` over a folder with everything that can be wrong with a film: it ends, every file is in the manifest with its reason, and nothing is lost when it is killed or the disk is full."
import json, os, shutil, signal, subprocess, sys, time
from fractions import Fraction
import numpy as np
import pytest
from conftest import clean_env, run

pytest.importorskip('av'); pytest.importorskip('cv2'); pytest.importorskip('ai_edge_litert')
import av
from lpm.actor.acting import act
from lpm.actor.body import CAST, identity, render
from lpm.data.pipeline import build
from lpm.data.source import read_manifest
from lpm.media import mux, write_audio
from lpm.viz import to_uint8

ALLOW = ('cast', 'laid', 'still', 'jump', 'freeze', 'odd', 'fps')        # what is wrong with drawn people, and not with filmed ones
UPRIGHT = np.int32([[1 << 16, 0, 0], [0, 1 << 16, 0], [0, 0, 1 << 30]]).astype('>i4').tobytes()       # the matrix of an mp4 that is not rotated

def write(path, frames, times, **codec):
    "Pictures at any times, in thousandths of a second."
    with av.open(str(path), 'w') as c:
        s = c.add_stream('libx264', rate=25, options={'preset': 'veryfast', 'bf': '0'}); s.height, s.width = frames[0].shape[:2]; s.pix_fmt = 'yuv420p'; s.codec_context.time_base = Fraction(1, 1000)
        for k, v in codec.items(): setattr(s.codec_context, k, v)
        for f, t in zip(frames, times): p = av.VideoFrame.from_ndarray(f, 'rgb24'); p.pts = t; p.time_base = Fraction(1, 1000); c.mux(s.encode(p))
        c.mux(s.encode())

@pytest.fixture(scope='module')
def films(tmp_path_factory):
    d = tmp_path_factory.mktemp('raw') / 'films'; (d / 'größe 影片').mkdir(parents=True); p = act(5, 3.4, 'listen', voice='en-us+f2', partner_voice='en-gb')
    f = np.asarray(to_uint8(render(identity(CAST['finn']), p.tracks, 128)))
    mux(d / 'größe 影片' / 'слушает.mp4', f, (p.speak + p.listen).numpy()); good = (d / 'größe 影片' / 'слушает.mp4').read_bytes(); black = np.zeros((8, 128, 128, 3), np.uint8)
    (d / 'zero.mp4').touch(); (d / 'half.mp4').write_bytes(good[:len(good)//2]); (d / 'twice.mov').write_bytes(good); (d / 'letter.mp4').write_text('Dear reader'); (d / 'film.txt').write_bytes(good + b'\0'); (d / 'gone.mp4').symlink_to(d / 'nowhere.mp4')
    write_audio(d / 'sound.wav', p.speak); os.rename(d / 'sound.wav', d / 'only sound.mp4'); mux(d / 'no sound.mp4', f[:, :, ::-1], sound=False); mux(d / 'one.mp4', f[:1], p.speak[:600])
    write(d / 'huge.mp4', [np.zeros((4320, 7680, 3), np.uint8)]*2, (0, 1000)); write(d / 'ten hours.mkv', black, range(0, 36_000_000, 5_000_000)); write(d / 'bomb.mp4', [np.zeros((2000, 3000, 3), np.uint8)]*60, range(0, 2400, 40))
    write(d / 'hdr.mp4', f[:30], range(0, 1200, 40), color_trc=16); g = np.random.default_rng(0); write(d / 'slides.mkv', g.integers(0, 256, (30, 256, 256, 3)).astype(np.uint8), range(0, 30_000, 1000)); write(d / 'steps.mkv', f, np.cumsum(g.integers(20, 64, len(f))).tolist())
    at = good.index(UPRIGHT, good.index(b'tkhd')); (d / 'on its side.mp4').write_bytes(good[:at] + np.int32([[0, 1 << 16, 0], [-(1 << 16), 0, 0], [0, 0, 1 << 30]]).astype('>i4').tobytes() + good[at + 36:])
    with open(os.fsencode(str(d)) + b'/latin\xe9.mp4', 'wb') as o: o.write(good + b'\1')
    return d

WHY = {'zero.mp4': 'is empty', 'half.mp4': 'cut off', 'letter.mp4': 'cannot be read as a video', 'gone.mp4': 'does not exist', 'only sound.mp4': 'no pictures in it', 'one.mp4': 'at least 1 s', 'huge.mp4': '7680x4320', 'ten hours.mkv': 'a picture that stands still', 'slides.mkv': '30 pictures in',
       'bomb.mp4': 'decompression bomb', 'hdr.mp4': 'high dynamic range (PQ)', 'latin\\xe9.mp4': 'the name is not UTF-8', 'twice.mov': 'the same bytes as another file'}

def facts(rows): return [{**r, 'facts': {k: v for k, v in r['facts'].items() if k != 'cost'}} for r in rows]

def make(films, out): return [sys.executable, '-m', 'lpm.cli', 'data', 'build', str(films), '--out', str(out), '--size', '64', '--allow', ','.join(ALLOW), '--no-encode']

@pytest.fixture(scope='module')
def whole(films, tmp_path_factory):
    "The manifest of a run that nobody disturbs."
    out = tmp_path_factory.mktemp('whole') / 'set'; r = run(*make(films, out), timeout=600); return out, r

def test_every_file_is_in_the_manifest_with_its_reason(films, whole):
    out, r = whole; rows = read_manifest(out / 'manifest.jsonl'); by = {}
    for x in rows: by.setdefault(x['file'], []).append(x)
    assert set(by) == {*WHY, 'größe 影片/слушает.mp4', 'film.txt', 'no sound.mp4', 'steps.mkv', 'on its side.mp4'}; assert '18 files' in r.stdout and 'Traceback' not in r.stderr
    for f, said in WHY.items(): [x] = by[f]; assert not x['kept'] and said in x['reason'] and x['stage'], (f, x['reason'])
    kept = {f for f, xs in by.items() if any(x['kept'] for x in xs)}; print(kept, {f: [x['reason'] for x in by[f]] for f in by if f not in kept})
    assert {'größe 影片/слушает.mp4', 'film.txt', 'no sound.mp4'} <= kept; assert by['on its side.mp4'][0]['facts']['rotation'] in (90, 270); assert not by['steps.mkv'][0]['facts']['steady']
    assert {c['file'] for c in map(json.loads, (out / 'clips.jsonl').read_text().splitlines())} == kept and str(films) not in (out / 'manifest.jsonl').read_text()

def test_killed_in_the_middle_and_run_again(films, whole, tmp_path):
    out = tmp_path / 'set'; p = subprocess.Popen(make(films, out), env=clean_env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True); end = time.time() + 300
    while len(list((out / 'work').glob('quality-*/*.json'))) < 2 and time.time() < end: assert p.poll() is None; time.sleep(.02)
    os.killpg(p.pid, signal.SIGKILL); p.wait(); notes = {f: f.stat().st_mtime_ns for f in (out / 'work').glob('*/*.json')}; assert notes and not (out / 'clips.jsonl').exists(); assert len(read_manifest(out / 'manifest.jsonl')) == 18
    run(*make(films, out), timeout=600); assert facts(read_manifest(out / 'manifest.jsonl')) == facts(read_manifest(whole[0] / 'manifest.jsonl')); assert notes == {f: f.stat().st_mtime_ns for f in notes}       # what was found is not looked for again
    assert sorted(f.name for f in (out / 'films').iterdir()) == sorted(f.name for f in (whole[0] / 'films').iterdir()) and not list(out.rglob('*.part*'))

def test_a_full_disk_says_so_and_loses_nothing(films, whole, tmp_path):
    "A disk of its own, in a name space of its own, too small first and then large enough."
    if not shutil.which('unshare') or subprocess.run(['unshare', '-rm', 'mount', '-t', 'tmpfs', 'none', tmp_path], capture_output=True).returncode: pytest.skip('this machine lets nobody mount a disk of his own')
    disk = tmp_path / 'disk'; disk.mkdir(); cmd = ' '.join(f"'{c}'" for c in make(films, disk / 'set'))
    need = sum(f.stat().st_blocks for f in whole[0].rglob('*'))//2
    script = f'mount -t tmpfs -o size={int(.6*need)}k none {disk}; {cmd}; echo first $?; mount -o remount,size={4*need + 4096}k {disk}; {cmd}; echo then $?; cp {disk}/set/manifest.jsonl {tmp_path}/all.jsonl'
    r = run('unshare', '-rm', 'sh', '-c', script, timeout=900); assert 'first 2' in r.stdout or 'first 1' in r.stdout, r.stdout + r.stderr; assert 'then 0' in r.stdout and 'the disk is full' in r.stderr and 'Traceback' not in r.stderr, r.stderr[-2000:]
    assert facts(read_manifest(tmp_path / 'all.jsonl')) == facts(read_manifest(whole[0] / 'manifest.jsonl'))

def test_a_folder_that_changes_meanwhile(films, tmp_path):
    d = tmp_path / 'films'; d.mkdir(); good = (films / 'twice.mov').read_bytes()
    for i, n in enumerate(('a.mp4', 'b.mp4', 'c.mp4')): (d / n).write_bytes(good + bytes(i))
    def meddle(line):
        if line.startswith('probe'): (d / 'a.mp4').unlink(); (d / 'b.mp4').write_bytes(good + b'grown'); (d / 'late.mp4').write_bytes(good + b'late')
    rows = build(d, tmp_path / 'set', 64, allow=ALLOW, only=['shots'], say=meddle); left = {r['file']: r['reason'] for r in rows}
    assert set(left) == {'a.mp4', 'b.mp4', 'c.mp4'} and 'changed or vanished' in left['a.mp4'] and 'changed or vanished' in left['b.mp4'] and not left['c.mp4']
    assert {r['file'] for r in build(d, tmp_path / 'set', 64, allow=ALLOW, only=['shots']) if r['kept']} == {'b.mp4', 'c.mp4', 'late.mp4'}
