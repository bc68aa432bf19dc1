"Expressions and reference sets where a page cell is not enough: the character folder read by the performer, real portraits."
import json
from pathlib import Path
import numpy as np
import pytest

LABELS = json.loads((Path(__file__).parent / 'expressions.json').read_text())

def test_labels_are_of_the_eight_classes():
    from lpm.data.expression import CLASSES, GAZES
    said = [*LABELS['portraits'].values(), *(l for spans in LABELS['clips'].values() for *_, l in spans)]
    assert all(set(l.split('/')) <= set(CLASSES) for l in said) and all(set(l.split('/')) <= set(GAZES) for l in LABELS['gaze'].values())

def test_a_written_set_is_a_character(tmp_path):
    from lpm.data.references import write_references
    from lpm.perform import load_character
    frames = np.random.default_rng(0).integers(0, 255, (9, 96, 96, 3), dtype=np.uint8); box = [0, 0, 96, 96]
    refs = [dict(kind='global', sub=0, view='frontal', frame=1, box=box), dict(kind='view', sub=None, view='frontal', frame=2, box=box), dict(kind='view', sub='rear', view='rear', frame=3, box=box), dict(kind='view', sub=None, view='right', frame=4, box=box),
            dict(kind='expression', sub='happy', view='frontal', frame=5, box=box), dict(kind='expression', sub='happy', view='frontal', frame=6, box=box)]
    c = load_character(write_references(frames, refs, tmp_path / 'her', 'her', size=64), 64)
    assert [r[:2] for r in c.refs] == [('global', 0), ('global', 0), ('view', 2), ('expression', 1)] and c.name == 'her' and not c.drawn

@pytest.fixture(scope='module')
def face():
    pytest.importorskip('ai_edge_litert', reason='faces need ai-edge-litert (extra data)')
    from PIL import Image
    from lpm.data.expression import FaceReader, both, gaze, pool, shape_opinion
    from lpm.data.people import FaceDetector
    find, read = FaceDetector(), FaceReader()
    def face(f):
        a = np.asarray(Image.open(f).convert('RGB')); d = find(a); r = read(a, d['box'][0])
        return pool([both(r['net'], shape_opinion(r['measures']))], .35, 1)[0], gaze(r['iris'], r['pose'][:1], r['measures'][8])
    return face

@pytest.mark.realdata
@pytest.mark.parametrize('name', ['painting_hallo_girl', 'photo_ai_livestream_man', 'vector_echomimic_man', 'halfbody_ai_flux_man_0003', 'photo_ai_echomimic_woman'])
def test_clear_portraits(realdata, face, name): assert face(realdata / 'portraits' / f'{name}.jpg') == (LABELS['portraits'][name], LABELS['gaze'][name])
