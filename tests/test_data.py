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
