"Each launch script, two steps, as a person would start it; one of them once more on two ranks. Each stage eats what the one before it wrote."
import json, sys
import pytest
from conftest import ROOT, run

pytestmark = [pytest.mark.xdist_group('launch'), pytest.mark.slow]
ONE = ['--cpu', '--num_processes', '1']
TWO = ['--multi_gpu', '--num_processes', '2']       # with ACCELERATE_USE_CPU: gloo; `--cpu --num_processes 2` would start one process

def launch(cwd, n, *args, **kw):
    "`accelerate launch` on the CPU."
    return run(sys.executable, '-m', 'accelerate.commands.accelerate_cli', 'launch', *(ONE if n == 1 else TWO), '--num_machines', '1', '--dynamo_backend', 'no',
               '--mixed_precision', 'no', *args, cwd=cwd, timeout=240, ACCELERATE_USE_CPU='true', **kw)

def have(*names): return all((ROOT / 'lpm' / 'launch' / f'{n}.py').exists() for n in names)

@pytest.fixture(scope='module')
def work(tmp_path_factory):
    "A folder to train in."
    return tmp_path_factory.mktemp('work')

@pytest.fixture(scope='module')
def corpus(work):
    run(sys.executable, '-m', 'lpm.launch.corpus', '--out', 'work/corpus', '--clips', 16, '--people', 3, '--seconds', 2, '--size', 32, '--compiled', 0, cwd=work)
    return work / 'work' / 'corpus'

@pytest.fixture(scope='module')
def vae(work, corpus):
    r = launch(work, 1, '-m', 'lpm.launch.vae', '--config', 'debug', '--data', 'work/corpus', '--steps', 2)
    assert '1 process' in r.stdout
    return 'work/weights/debug/vae'

@pytest.fixture(scope='module')
def features(work, vae):
    run(sys.executable, '-m', 'lpm.launch.encode', '--corpus', 'work/corpus', '--vae', vae, '--out', 'work/features', '--name', 'debug', cwd=work)
    return work / 'work' / 'features'

@pytest.fixture(scope='module')
def base(work, features):
    launch(work, 1, '-m', 'lpm.launch.base', '--name', 'debug', '--steps', 2, '--tokens', 64, '--out', 'weights')
    return 'weights/base'

def record(work, name):
    r = json.loads((work / 'runs' / f'{name}.json').read_text())
    assert {'name', 'config', 'seed', 'commit', 'device', 'steps', 'minutes', 'metrics'} <= r.keys() and (work / 'runs' / f'{name}.json').stat().st_size < 20_000
    return r

def test_corpus(corpus):
    import numpy as np
    assert np.load(corpus / 'done.npy').all()

def test_vae(work, vae):
    assert (work / vae / 'model.safetensors').exists() and record(work, 'vae_debug')['steps'] == 2

def test_encode(features): assert (features / 'features.json').exists()

def test_base(work, base):
    assert (work / base / 'model.safetensors').exists() and record(work, 'base_debug_video')['steps'] == 2

def test_base_goes_on(work, base):
    "The same command with more steps resumes: two steps are not made again."
    r = launch(work, 1, '-m', 'lpm.launch.base', '--name', 'debug', '--steps', 3, '--tokens', 64)
    assert record(work, 'base_debug_video')['steps'] == 3, r.stdout[-1500:]

def test_eye(work, features, corpus, vae):
    "An eye for latents, and a base that looks through it."
    launch(work, 1, '-m', 'lpm.launch.eye', '--name', 'debug', '--vae', vae, '--people', 8, '--compiled', 0, '--steps', 2, '--batch', 4, '--out', 'eyes')
    launch(work, 1, '-m', 'lpm.launch.base', '--name', 'debug', '--steps', 2, '--tokens', 64, '--run', 'base_seen', '--eye', 'eyes')
    assert record(work, 'eye_debug')['steps'] == 2 and 'seen' in record(work, 'base_seen')['curve']

def test_online(work, base, vae):
    "Paths, then all four stages; two ranks agree although each step trains a part of the module only."
    online = ['-m', 'lpm.launch.online', '--teacher', base, '--name', 'debug', '--vae', vae]
    run(sys.executable, *online, '--record', 3, cwd=work)
    for s in ('ode', 'offpolicy', 'onpolicy', 'refiner'): launch(work, 2 if s == 'onpolicy' else 1, *online, '--stage', s, '--steps', 2, '--size', 1, '--turns', 1, '--out', 'weights')
    assert all((work / 'weights' / c / 'model.safetensors').exists() for c in ('backbone', 'refiner', 'critic')) and record(work, 'online_debug_onpolicy')['steps'] == 2

def test_dpo(work, base, vae, corpus):
    "Takes, marks, two steps on the clear cases, the bench: each a command of its own, and two processes that share the pool."
    same = ['--name', 'debug', '--weights', base, '--seconds', 1, '--evaluations', 2, '--tolerance', 1]
    dpo = lambda do, *a: run(sys.executable, '-m', 'lpm.launch.dpo', '--do', do, *same, *a, cwd=work)
    for part in (0, 1): dpo('pool', '--conditions', 4, '--seeds', 4, '--part', part, '--parts', 2)
    assert '4 of 4 scenes judged' in dpo('judge', '--vae', vae).stdout
    launch(work, 1, '-m', 'lpm.launch.dpo', '--do', 'train', *same, '--steps', 2, '--size', 2, '--out', 'tuned')
    dpo('bench', '--vae', vae, '--out', 'tuned', '--held', 1)
    assert (work / 'tuned' / 'base' / 'model.safetensors').exists() and record(work, 'dpo_debug')['steps'] == 2
    assert json.loads((work / 'runs' / 'bench_dpo_debug.json').read_text())['metrics']['listen']['lively']['asked'] == 2

def test_two_ranks(work, base):
    "Two processes that really are two, training together. Each leaves a file: lines of two processes may mix."
    (work / 'two.py').write_text('''
from accelerate import PartialState
from accelerate.utils import DistributedType
s = PartialState(cpu=True)
assert s.num_processes == 2 and s.distributed_type == DistributedType.MULTI_CPU, (s.num_processes, s.distributed_type)
open(f'rank{s.process_index}', 'w').close()
from lpm.launch.base import main
main(features='work/features', name='debug', run='two', steps=2, tokens=64)
''')
    launch(work, 2, 'two.py')
    assert (work / 'rank0').exists() and (work / 'rank1').exists()
    assert record(work, 'two')['device'].startswith('2 processes')
