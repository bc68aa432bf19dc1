"The data pipeline where a notebook cell is not enough: other engines, real footage, processes that are killed."
import numpy as np
import pytest

from lpm.data.roles import agree, diarise
from lpm.data.source import Limits, begin, in_loop, on_ray, run_stage
from lpm.media import mux, read_audio, sync_card

SMALL = Limits(side=32)

def facts(rows): return [{**r, 'facts': {k: v for k, v in r['facts'].items() if k != 'cost'}} for r in rows]

def test_ray_finds_what_a_loop_finds(tmp_path):
    ray = pytest.importorskip('ray'); films = tmp_path / 'films'; films.mkdir()
    for n in range(3): f, w = sync_card(2, 64); mux(films / f'{n}.mp4', f.roll(n, 2), w)
    (films / 'empty.mp4').touch(); rows, look = begin(films, SMALL)
    try: assert facts(run_stage(look, rows, tmp_path / 'ray', 2, on_ray)) == facts(run_stage(look, rows, tmp_path / 'loop', 1, in_loop))
    finally: ray.shutdown()

@pytest.mark.realdata
def test_two_real_voices_are_told_apart(realdata):
    wav = read_audio(realdata / 'speech' / 'dialogue_pyannote_dev00.wav').numpy(); T = len(wav) * 24 // 16000; talks = {}
    for line in (realdata / 'speech' / 'dialogue_pyannote_dev00.rttm').read_text().splitlines():
        f = line.split(); a, n = float(f[3]), float(f[4]); talks.setdefault(f[7], np.zeros(T, bool))[round(24 * a):round(24 * (a + n))] = True
    s = np.stack([v for v in talks.values() if v.sum() > 24]); _, share = agree(s, diarise(wav, s.any(0), len(s)))
    assert share >= .9, share

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
