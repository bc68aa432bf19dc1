"The house rules that are about correctness. Lengths and shares are only printed: `make report`."
import ast, base64, json, os, re, subprocess, sys
import pytest
from book import NBS, ROOT, Page, is_export, pages, source
from conftest import run

PAGES = pages()
BOOK = [*PAGES, *[Page(NBS / f'{n}.ipynb') for n in ('index', 'contributing')]]
each_page = pytest.mark.parametrize('page', PAGES, ids=lambda p: p.name)

def test_names_resolve():
    r = subprocess.run([sys.executable, '-m', 'ruff', 'check', 'lpm', 'tools', 'tests', 'setup.py'], cwd=ROOT, capture_output=True, text=True)
    assert r.returncode == 0, r.stdout[-4000:]

def body(cell):
    "The parsed cell, magics and directives aside."
    return ast.parse(re.sub(r'^\s*[%!].*$', '', source(cell), flags=re.M))

@each_page
def test_no_star_import_in_exports(page):
    bad = [source(c)[:60] for c in page.code if is_export(c) for n in ast.walk(body(c)) if isinstance(n, ast.ImportFrom) and n.names[0].name == '*']
    assert not bad, bad

@each_page
def test_exporting_page_asserts(page):
    if not any(map(is_export, page.code)): pytest.skip('exports nothing')
    assert any(re.search(r'\btest_\w+\(|\bassert\b', source(c)) for c in page.code if not is_export(c)), 'exports code but asserts nothing'

NUMBER = {p.module: p.num for p in PAGES if p.module}

def imported(cell, module):
    "Modules of this library a cell imports, relative ones resolved."
    for n in ast.walk(body(cell)):
        names = []
        if isinstance(n, ast.Import): names = [a.name for a in n.names]
        elif isinstance(n, ast.ImportFrom):
            base = n.module or ''
            if n.level: base = '.'.join(['lpm', *(module or '').split('.')[:-n.level], base]).strip('.')
            names = [base, *[f'{base}.{a.name}' for a in n.names]]
        yield from {m[4:] for m in names if m.startswith('lpm.') and m[4:] in NUMBER}

@each_page
def test_imports_point_back(page):
    ahead = [(m, NUMBER[m], 'exported' if is_export(c) else 'shown') for c in page.code for m in imported(c, page.module)
             if NUMBER[m] > page.num and not (m == 'viz' and not is_export(c))]
    assert not ahead, f'page {page.num} imports from later pages: {ahead}'

@pytest.mark.parametrize('page', BOOK, ids=lambda p: p.name)
def test_cells_can_fail_and_name_no_machine(page):
    raw = json.dumps([c for c in page.cells])
    assert not [s for s in map(source, page.code) if re.search(r'^\s*!', s, re.M)], 'a ! cell cannot fail; use run(...)'
    text = [source(c) for c in page.cells] + [json.dumps({k: v for k, v in o.items() if k != 'data'}) + json.dumps({k: v for k, v in o.get('data', {}).items() if not k.startswith('image/')})
                                              for c in page.code for o in c.get('outputs', [])]
    bad = [m.group(0) for t in text for m in re.finditer(r'(?<![\w.~/:-])/(?:home|root|Users|work|mnt|tmp/tmp\w*|private/var)/[^\s"\'`)]*', t)]
    assert not bad and str(ROOT) not in raw, f'paths of a machine: {bad}'
    errors = [o for c in page.code for o in c.get('outputs', []) if o.get('output_type') == 'error' or 'Traceback (most recent call last)' in ''.join(o.get('text', ''))]
    assert not errors, 'a saved error is in the outputs'

@pytest.mark.parametrize('page', BOOK, ids=lambda p: p.name)
def test_outputs_are_small_and_there(page):
    figs = [(k, len(base64.b64decode(''.join(v)))) for c in page.code for o in c.get('outputs', []) for k, v in o.get('data', {}).items() if k in ('image/png', 'image/jpeg')]
    assert all(n <= 45_000 for _, n in figs), f'figures over 40 kB: {figs}'
    assert page.path.stat().st_size <= 400_000
    if page.code: assert any(c.get('outputs') for c in page.code), 'committed without outputs: make notebooks'

def test_few_cells_never_run():
    off = [(p.name, source(c).split('\n')[0]) for p in PAGES for c in p.code if re.search(r'#\|\s*eval:\s*false', source(c))]
    assert len(off) <= 10, off

def test_links_between_pages_lead_somewhere():
    names = {p.path.name for p in BOOK}
    bad = [(p.name, m) for p in BOOK for c in p.cells if c['cell_type'] == 'markdown' for m in re.findall(r'\]\(([\w.]+\.ipynb)(?:#[^)]*)?\)', source(c)) if m not in names]
    assert not bad, bad

def test_nothing_is_unpickled():
    door = "torch.load(path, map_location='cpu', weights_only=True)"       # of lpm.hub, the only one, for weights of others
    bad = [(str(f.relative_to(ROOT)), m) for f in (ROOT / 'lpm').rglob('*.py') for m in re.findall(r'\btorch\.load\(|\bpickle\.load|weights_only\s*=\s*False|allow_pickle\s*=\s*True', f.read_text().replace(door, '', f == ROOT / 'lpm' / 'hub.py'))]
    assert not bad, f'only safetensors are read: {bad}'

def test_no_machine_or_secret_in_files():
    bad = []
    for f in [*ROOT.glob('lpm/**/*.py'), *ROOT.glob('tools/*'), *ROOT.glob('tests/*.py'), *ROOT.glob('runs/*.json'), *ROOT.glob('runs/*.md'), ROOT / 'Makefile', ROOT / 'README.md', ROOT / 'settings.ini']:
        if not f.is_file() or f.name == 'test_house.py': continue
        s = f.read_text(encoding='utf-8')
        bad += [(f.name, m) for m in re.findall(r'(?<![\w.~/:-])/(?:home|root|Users|mnt)/\S+', s)] + ([(f.name, str(ROOT))] if str(ROOT) + '/' in s else [])
    assert not bad, bad

def test_records_are_small():
    big = [(f.name, f.stat().st_size) for f in (ROOT / 'runs').glob('*.json') if f.stat().st_size > 20_000]
    assert not big, big

# --- fresh processes ------------------------------------------------------------------------------------------------
HEAVY = ('transformers', 'datasets', 'diffusers', 'av', 'matplotlib', 'espeakng_loader', 'xformers', 'ray', 'IPython', 'nbdev')
LIGHT = ['notation', 'config', 'flow', 'rope', 'attention', 'audio', 'vae', 'dit', 'wan', 'wanvae', 'base', 'longform', 'train', 'cache', 'online']
launches = sorted(p.module for p in PAGES if p.module and p.module.startswith('launch.'))

def test_training_imports_are_light():
    "Each training module in one fresh process: nothing heavy may come along, and nothing of a page may be missing."
    mods = [m for m in [*LIGHT, *launches] if m in NUMBER]
    code = f'''
import importlib, sys, warnings
warnings.simplefilter('error', ImportWarning)
for m in {mods!r}:
    importlib.import_module('lpm.' + m)
    heavy = [h for h in {HEAVY!r} if h in sys.modules]
    assert not heavy, f'lpm.{{m}} imports {{heavy}}'
'''
    run(sys.executable, '-c', code, cwd=os.path.expanduser('~'))

def test_launch_modules_explain_themselves():
    "Their parameters are their help: every one has a comment."
    code = f'''
import importlib, sys
from fastcore.script import anno_parser
for m in {launches!r}:
    text = anno_parser(importlib.import_module('lpm.' + m).main).format_help()
    bare = [l for l in text.split('options:')[-1].splitlines() if l.strip().startswith('--') and len(l.split()) < 2]
    assert not bare, (m, bare)
'''
    run(sys.executable, '-c', code, cwd=os.path.expanduser('~'))

@pytest.mark.parametrize('name', launches)
def test_main_comes_last(name):
    "Under `python -m` a call_parse main runs where it is defined: what follows it does not exist yet."
    tree = ast.parse((ROOT / 'lpm' / (name.replace('.', '/') + '.py')).read_text())
    names = [n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    assert names[-1] == 'main', names
