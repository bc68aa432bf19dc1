"The data pipeline where a notebook cell is not enough: other engines, real footage, processes that are killed."
import pytest

from lpm.data.source import Limits, begin, in_loop, on_ray, run_stage
from lpm.media import mux, sync_card

SMALL = Limits(side=32)

def facts(rows): return [{**r, 'facts': {k: v for k, v in r['facts'].items() if k != 'cost'}} for r in rows]

def test_ray_finds_what_a_loop_finds(tmp_path):
    ray = pytest.importorskip('ray'); films = tmp_path / 'films'; films.mkdir()
    for n in range(3): f, w = sync_card(2, 64); mux(films / f'{n}.mp4', f.roll(n, 2), w)
    (films / 'empty.mp4').touch(); rows, look = begin(films, SMALL)
    try: assert facts(run_stage(look, rows, tmp_path / 'ray', 2, on_ray)) == facts(run_stage(look, rows, tmp_path / 'loop', 1, in_loop))
    finally: ray.shutdown()
