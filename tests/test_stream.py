"Streams beyond what the pages show: training samples are streams, and whatever comes in or breaks, a film goes on."
import json, warnings
import numpy as np
import pytest, torch
from torch import nn
from lpm import cli, perform as P
from lpm.audio import MelEncoder, stream_features
from lpm.base import STAGES, Features, batch, clip_cond, second_of, toy_features
from lpm.config import debug
from lpm.dit import DiT
from lpm.launch.encode import encode_item
from lpm.online import Rollout
from lpm.perform import Performer, Sound, perform, untrained
from lpm.stream import ConditionStream, Voice, fit, heard

pytestmark = pytest.mark.xdist_group('perform')
cfg, nan = debug(), float('nan')

def voice(seconds, seed=0, rate=16000):
    "Syllables of three tones: at any rate the same voice."
    t = torch.arange(int(seconds*rate))/rate; g = torch.Generator().manual_seed(seed); f = 200 + 600*torch.rand(3, generator=g)
    return .2*(torch.sin(2*np.pi*f[:, None]*t)).sum(0)*torch.sin(4*np.pi*t).square()

@pytest.fixture(scope='module')
def weights(tmp_path_factory): return untrained(cfg, tmp_path_factory.mktemp('weights')/'debug')

@pytest.fixture(scope='module', autouse=True)
def no_gradients():
    with torch.no_grad(): yield

@pytest.fixture(scope='module', params=['online', 'base'])
def player(weights, request): return Performer.from_pretrained(weights, request.param, text=False)

@pytest.fixture(scope='module')
def online(weights): return Performer.from_pretrained(weights, text=False)

def film(p, **kw): return list(p.stream(**{**dict(seed=1), **({} if p.model == 'online' else dict(steps=1, scales={})), **kw}))
def same(a, b, first=0): return len(a) == len(b) and all(np.array_equal(x.frames, y.frames) for x, y in zip(a[first:], b[first:]))

# --- training sees what streams hear --------------------------------------------------------------------------------------
def live(wavs, ear, c=cfg):
    "Conditions of every second of two voices, heard one second at a time."
    s = ConditionStream(c, ear)
    cut = lambda w, k: fit(w[heard(k - 1, c):heard(k, c)], heard(k, c) - heard(k - 1, c))[0]
    ks = [s.step(*(cut(w, k) for w in wavs)) for k in range(5)]
    return {n: torch.cat([getattr(k, n) for k in ks], 1)[0] for n in ('speak', 'speak_valid', 'listen', 'listen_valid')}

@pytest.fixture(scope='module')
def sounded(tmp_path_factory):
    "Features of four clips with real sound, encoded as `lpm.launch.encode` does; latents say which clip and where."
    d = tmp_path_factory.mktemp('features'); toy_features(d, cfg, clips=4, people=2); g = torch.Generator().manual_seed(0)
    wavs = {k: torch.randn(4, 5*16000 + 640, generator=g)*.1 for k in ('speak', 'listen')}
    for k, w in wavs.items(): np.save(d/f'{k}.npy', stream_features(MelEncoder(cfg.audio), w).half().numpy())
    z = np.zeros((4, cfg.vae.channels, 31, *cfg.latent_hw), 'float16'); z += (100*np.arange(4)[:, None] + np.arange(31))[:, None, :, None, None]; np.save(d/'latents.npy', z)
    info = json.loads((d/'features.json').read_text()); (d/'features.json').write_text(json.dumps(info | dict(first_held_out=4)))
    return Features(d), [live([wavs[k][i] for k in ('speak', 'listen')], MelEncoder(cfg.audio)) for i in range(4)]

def close(cond, row, want, a, T):
    for k in ('speak', 'listen'):
        assert torch.equal(getattr(cond, f'{k}_valid')[row], want[f'{k}_valid'][a:a+T]), (k, a)
        assert (getattr(cond, k)[row] - want[k][a:a+T]).abs().max() < 3e-3, (k, a)              # stored in 16 bits

def test_windows_of_every_batch_are_those_of_a_stream(sounded):
    data, want = sounded; inside = 0
    for step in range(12):
        b = batch(cfg, data, step, augment=False, drop=0., s=STAGES['extension'], tokens=200)
        for r in range(len(b.x0)):
            clip, at = divmod(int(b.x0[r, 0, 0, 0, 0]), 100); T = b.x0.shape[2]; close(b.cond, r, want[clip], at, T)
            inside += len(set(second_of(torch.tensor([at]), T, cfg.chunk)[0].tolist())) > 1 and at % cfg.chunk > 1
    assert inside                                                                               # windows that begin inside a second were among them

def test_students_are_told_what_a_stream_hears(sounded):
    data, want = sounded; cond = clip_cond(cfg, data, np.arange(4), 31, [0])
    for i in range(4): close(cond, i, want[i], 0, 31)

class Smooth(nn.Module):
    "An encoder that looks both ways: the mean of 21 frames."
    dim, rate, hop = 64, 50, 320
    def forward(self, wav): return nn.functional.avg_pool1d(MelEncoder(cfg.audio)(wav).transpose(1, 2), 21, 1, 10).transpose(1, 2)

def test_encoded_sound_is_streamed_sound():
    w, ear = voice(3.2), Smooth(); v = Voice(ear, 10**6); arr = dict(latents=[None], speak=[None], listen=[None], done=[0])
    data = dict(frames=np.zeros((1, 5, 32, 32, 3), 'uint8'), speak=(w[None]*32767).round().numpy(), listen=(w[None]*32767).round().numpy())
    class Codec: encode = staticmethod(lambda v: torch.zeros(1, 1))
    encode_item(Codec, ear, data, arr, 0); w = torch.from_numpy(data['speak'])/32767
    for c in range(3): v.push(w[:, heard(c - 1, cfg):heard(c, cfg)])
    assert torch.allclose(torch.from_numpy(arr['speak'][0]).float()[:v.feats.shape[1]], v.feats[0], atol=2e-3) and arr['done'] == [1]
    assert (torch.from_numpy(arr['speak'][0]).float() - ear(w)[0]).abs().max() > .1            # offline it would have been another

# --- sound --------------------------------------------------------------------------------------------------------------------
def test_sound_of_any_rate_and_shape(player, tmp_path):
    from test_perform import wav_file
    want = film(player, speak=voice(2.5)); assert [len(c.frames) for c in want] == [25, 24, 11]
    for rate in (8000, 44100, 48000):
        x = voice(2.5, rate=rate); two = torch.stack([1.5*x, .5*x]); bits = (two.T.numpy()*32767).round().astype('<i2')
        wav_file(tmp_path/'v.wav', bits.tobytes(), channels=2, rate=rate)
        for source in (tmp_path/'v.wav', Sound(two, rate=rate), Sound(two.T, rate=rate), Sound(iter(x.split(999)), rate=rate)):
            got = film(player, speak=source); off = [np.abs(a.frames.astype(int) - b.frames).mean() for a, b in zip(got, want)]
            assert [len(c.frames) for c in got] == [25, 24, 11] and max(off) < 3, (rate, off)   # resampled: nearly the same
            assert (torch.cat([c.audio for c in got])[200:39000] - voice(2.5)[200:39000]).abs().max() < .03
    assert same(film(player, speak=voice(2.5).split(999)), want)

def test_short_long_silent_loud(player):
    none = film(player, seconds=2)
    for s in (lambda: torch.zeros(0), lambda: torch.zeros(10**6), lambda: iter([]), lambda: iter([torch.zeros(0)]*3), lambda: iter([torch.zeros(10**6)])):
        for who in ('speak', 'listen'): assert same(film(player, seconds=2, **{who: s()}), none)
    assert len(film(player, speak=torch.zeros(5))) == 1 and same(film(player, speak=40*voice(2)), film(player, speak=(40*voice(2)).clamp(-1, 1)))
    assert not same(film(player, speak=voice(2)), none)

def test_late_sound_is_heard_when_it_comes(player):
    w = voice(3); gap = torch.cat([w[:20000], torch.zeros(32667 - 20000), w[20000:]])           # nothing comes until second 1 ends, at frame 49
    late = film(player, speak=iter([w[:20000], None, *w[20000:].split(700)])); want = film(player, speak=gap)
    assert same(late, want) and torch.equal(torch.cat([c.speak for c in late]), torch.cat([c.speak for c in want]))
    waits = film(player, listen=iter([None]*3), seconds=2); assert same(waits, film(player, seconds=2))

def test_live_nan_is_silence_and_a_file_is_refused(player):
    from lpm.notation import LpmError
    bad = voice(3); bad[20000:20100] = nan; bad[30000] = float('inf'); mended = torch.nan_to_num(bad, 0., 0., 0.)
    with pytest.raises(LpmError, match='not numbers'): player.stream(speak=bad)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always'); got = film(player, speak=bad.split(4000))
    assert same(got, film(player, speak=mended)) and len([w for w in said if 'silence' in str(w.message)]) == 1
    assert [c.faults['mended'] for c in got][-1] == 101 and sum(list(got[-1].faults.values())[:3]) == 0

# --- words ---------------------------------------------------------------------------------------------------------------------
class Words:
    "Any sentence in the shape of the real encoder."
    dim, max_tokens = 384, 24
    def encode(self, texts):
        rows = [torch.randn(24, 384, generator=torch.Generator().manual_seed(sum(t.encode())*7 + len(t))) for t in texts]
        return torch.stack(rows), torch.arange(24).expand(len(texts), -1) < 8

def test_words_that_change_every_second(online):
    online.text, said = Words(), [f'now {chr(97 + c)}' for c in range(6)]
    try:
        got = film(online, speak=voice(6), text=list(enumerate(said))); c, first, casts = online._prepare(None, [(0., P.PORTRAIT)])
        assert [x.text for x in got] == said and not same(got, film(online, speak=voice(6), text=said[0]))
        s, roll, sizes, z = ConditionStream(online.cfg, online.ear, Words()), Rollout(online.dit.backbone, online.cfg, first, casts[0][1], 1), [], []
        for k, w in enumerate(said):                                                             # by hand, said in the second before
            s.say(w); s.hear(voice(6)[heard(k - 1, cfg):heard(k, cfg)]); z.append(roll.step(s.window(*roll.window(k)))); sizes.append((sum(v.numel() for v in s.state().values()), roll.cache.bytes))
        y = online.vae.decode(torch.cat(z, 2)); frames = np.concatenate([x.frames for x in got])
        assert np.abs(P.enlarge(y[0]).astype(int)[:len(frames)] - frames).max() <= 1 and len(set(sizes[3:])) == 1
    finally: online.text = None

# --- references, interruptions, faults ---------------------------------------------------------------------------------------------
SETS = dict(references=[(0, 'portrait'), (2, 'few'), (3, 'none')])

def test_other_references_on_the_way(player):
    a, b = film(player, seconds=5), film(player, seconds=5, **SETS)
    assert same(a[:2], b[:2]) and not same(a[2:3], b[2:3]) and not same(a[3:], b[3:])

def test_interrupted_inside_an_evaluation(player, tmp_path, monkeypatch):
    "A film that is stopped between two evaluations goes on as if it had not been."
    want, real, left = film(player, seconds=5, **SETS), DiT.forward, [0]
    def forward(self, *a, **kw):
        left[0] -= 1
        if left[0] == 0: raise KeyboardInterrupt
        return real(self, *a, **kw)
    monkeypatch.setattr(DiT, 'forward', forward)
    for n in (2, 4, 5):
        left[0] = n
        with pytest.raises(KeyboardInterrupt): film(player, seconds=5, resume=tmp_path/str(n), every=1, **SETS)
        left[0] = 0; assert same(film(player, seconds=5, resume=tmp_path/str(n), every=1, **SETS), want)

@pytest.fixture()
def breaks(monkeypatch):
    "Make the network of a roll-out give NaN at some of its seconds' attempts: {(second, attempt), ...}."
    from lpm.longform import Continuation
    def at(bad):
        seen = {}
        for cls in (Rollout, Continuation):
            real = cls.__dict__['_make']
            def make(self, cond, *a, real=real):
                k = self.chunk; seen[k] = seen.get(k, -1) + 1; x = real(self, cond, *a)
                return x*nan if (k, seen[k]) in bad else x
            monkeypatch.setattr(cls, '_make', make)
    return at

def test_a_broken_second_costs_one_second(player, breaks, tmp_path):
    want = film(player, seconds=5); breaks({(2, 0)})
    with warnings.catch_warnings(record=True) as said: warnings.simplefilter('always'); got = film(player, seconds=5, resume=tmp_path/'k', every=1)
    assert same(got[:2], want[:2]) and not same(got[2:], want[2:]) and [c.faults['again'] for c in got] == [0, 0, 1, 1, 1]
    assert [str(w.message)[:9] for w in said if 'finite' in str(w.message)] == ['second 2:']
    breaks(set()); again = film(player, seconds=5, resume=tmp_path/'k', every=1)                    # read, not made: the fault is remembered
    assert same(again, got) and again[-1].faults == got[-1].faults

def test_a_dead_network_shows_the_first_picture(player, breaks, tmp_path, capsys):
    class Always: __contains__ = lambda self, _: True
    breaks(Always())
    with warnings.catch_warnings(): warnings.simplefilter('ignore'); r = perform(player, tmp_path/'f.mp4', seconds=3, report=tmp_path/'r.json', size=None, **({} if player.model == 'online' else dict(steps=1)))
    assert r['faults'] == dict(muted=0, again=3, still=3, mended=0) == json.loads((tmp_path/'r.json').read_text())['faults'] and r['frames'] == 72
    cli._tell(r, 'f.mp4', None, None, None); err = capsys.readouterr().err; assert err.count('\n') == 1 and 'mended: again 3, still 3' in err
    with warnings.catch_warnings(): warnings.simplefilter('ignore'); got = film(player, seconds=3)
    y = np.concatenate([c.frames for c in got]).astype(int); assert np.abs(y[40:] - y[39]).max() <= 40 and np.isfinite(y).all()

def test_weights_that_are_not_numbers(weights, tmp_path):
    p = Performer.from_pretrained(weights, text=False)
    for q in p.dit.parameters(): q.fill_(nan)
    with warnings.catch_warnings(record=True) as said: warnings.simplefilter('always'); got = film(p, seconds=3)
    assert [c.faults['still'] for c in got] == [1, 2, 3] and len([w for w in said if 'finite' in str(w.message)]) == 2
