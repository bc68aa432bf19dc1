"Speak, listen, idle (page 23): the public detector on real people, and what users can get wrong."
import itertools
import numpy as np
import pytest
import torch
from conftest import ROOT, find_realdata

states = pytest.importorskip('lpm.data.states')

def test_every_pair_of_signals_has_one_answer():
    for s, m, y in itertools.product((0., 1., np.nan), repeat=3):
        v = states.joint([s], [m], [y])[0]
        known = s == s and m == m and (m == 0 or y == y)
        assert (v >= 0) == known, (s, m, y)
        if known: assert states.STATES[v] == ('inconsistent' if m and not (s and y) else 'speak' if m else 'listen' if s else 'idle')

@pytest.mark.parametrize('wav', [torch.zeros(1), torch.zeros(16000), torch.randn(400).clamp(-1, 1), torch.ones(5000)])
def test_any_sound_gives_finite_numbers(wav):
    assert states.mfcc(wav).isfinite().all() and states.mfcc(wav, 25).shape[1] == 13
    p = states.speech_probability(wav, 3)
    assert p.shape == (3,) and ((p >= 0) & (p <= 1) | np.isnan(p)).all()

def test_lips_that_are_not_seen_are_unknown():
    o = np.random.default_rng(0).random(60); o[20:30] = np.nan
    r = states.rule(np.ones(60), o, np.random.default_rng(1).random(60))
    assert (r[20:30] == states.UNKNOWN).all() and (r[:20] >= 0).all() and (r[30:] >= 0).all()

WEIGHTS = (find_realdata() or ROOT).parent / 'weights' / 'lr-asd' / 'lrasd_finetuning_TalkSet.model'
SPEAK = {'latentsync_demo1_woman_seated': 5, 'latentsync_demo3_man_seated': 10, 'facegood_woman_phone': 5}
SILENT = {'liveportrait_d18_man_expressions_silent': 4, 'liveportrait_s20_woman_zoomout_silent': 4, 'liveportrait_s32_woman_smiling_silent': 4}

@pytest.mark.realdata
@pytest.mark.skipif(not WEIGHTS.is_file(), reason='no public LR-ASD weights beside the checkout (shared/weights/lr-asd)')
def test_public_weights_behave_on_real_people(realdata):
    from lpm.data.people import face_crops, people
    from lpm.hub import foreign_tensors
    from lpm.media import iter_video, read_audio
    net, vad, sounds = states.from_public(foreign_tensors(WEIGHTS)), states.load_voice_activity(), {}
    def film(name, seconds):
        f = realdata / 'talking' / f'{name}.mp4'; frames = list(itertools.islice(iter_video(f), 24*seconds)); c = people(frames, every=6)['tracks'][0]
        return np.stack(list(face_crops(frames, c['box'], c['start']))), read_audio(f)[round(c['start']*16000/24):round(c['end']*16000/24)]
    for name, s in SPEAK.items():
        faces, wav = film(name, s); on = states.speech_probability(wav, len(faces), vad) > .5; sounds[name] = wav
        assert on.mean() > .5 and (states.speaking(net, faces, wav)[on] > 0).mean() >= .83, name
    voice = sounds['latentsync_demo3_man_seated']
    for name, s in SILENT.items():
        faces, wav = film(name, s)
        assert (states.speaking(net, faces, wav) > 0).mean() <= .05, name
        assert (states.speaking(net, faces, voice[:len(wav)]) > 0).mean() <= .1, f'{name} with the voice of another'

def test_what_ships_is_small_and_ours():
    folder = ROOT / 'lpm' / 'weights' / 'states'
    assert (folder / 'model.safetensors').stat().st_size < 2e6
    net = states.load_states()
    assert net.cfg == states.three_states() and not net.training

@pytest.mark.realdata
def test_one_call_tells_a_speaker_from_silent_people(realdata):
    "A woman who speaks, a guitar player with his mouth closed, a woman who is silent; and what becomes of the speaker without her sound."
    pytest.importorskip('ai_edge_litert', reason='faces need ai-edge-litert (extra data)')
    from lpm.data.people import people
    from lpm.media import iter_video, read_audio
    who = states.States()
    def film(name, seconds):
        f = realdata / 'talking' / f'{name}.mp4'; frames = list(itertools.islice(iter_video(f), 24*seconds)); return frames, people(frames)['tracks'][0], read_audio(f)
    frames, track, wav = film('latentsync_demo1_woman_seated', 5); r = who(frames, track, wav)
    assert r['verdict'] == '' and r['shares']['speak'] > .6
    muted = who(frames, track, wav*0)
    assert muted['shares']['speak'] == 0 and muted['shares']['inconsistent'] > .3
    for name in ('ai_ltx2_guitar_singer', 'liveportrait_s20_woman_zoomout_silent'):
        r = who(*film(name, 4)); assert r['verdict'] == '' and r['shares']['speak'] == 0 and r['shares']['idle'] > .9, name
