"Notebooks, modules, sidebar and README say the same: export, clean and the page list change nothing."
import sys
import pytest
from conftest import copy_tree, run

pytestmark = pytest.mark.xdist_group('sync')

def snapshot(d):
    files = [*d.glob('nbs/*.ipynb'), *d.glob('lpm/**/*.py'), d / 'README.md', d / '_quarto.yml']
    return {str(f.relative_to(d)): f.read_bytes() for f in files if f.is_file()}

def test_nothing_changes(tmp_path):
    d = copy_tree(tmp_path / 'lpm')
    before = snapshot(d)
    run(sys.executable, 'tools/book.py', 'sync', cwd=d, PYTHONPATH=str(d))
    after = snapshot(d)
    new = sorted(after.keys() - before.keys()); gone = sorted(before.keys() - after.keys())
    changed = sorted(k for k in before.keys() & after.keys() if before[k] != after[k])
    assert not (new or gone or changed), f'make sync would change {changed}, add {new}, remove {gone}'

def test_every_module_has_its_page(root):
    from book import pages
    made = {p.module.replace('.', '/') + '.py' for p in pages() if p.module}
    there = {str(f.relative_to(root / 'lpm')) for f in (root / 'lpm').rglob('*.py') if not f.name.startswith('_')}
    assert there == made, f'modules without a page: {sorted(there - made)}; pages without a module: {sorted(made - there)}'

def test_settings_are_the_source(root):
    import configparser
    c = configparser.ConfigParser(delimiters=['=']); c.read(root / 'settings.ini'); c = c['DEFAULT']
    assert 'settings.ini' in (root / 'setup.py').read_text()
    assert all(c[f'{e}_requirements'].strip() for e in c['extras'].split())
    assert (root / 'nbs' / '_quarto.yml').is_symlink(), 'nbs/_quarto.yml must be a link to the real file at the top'
    if not list(root.glob('lpm/cli.py')): pytest.skip('lpm.cli is not written yet')
    from importlib import import_module
    name, place = c['console_scripts'].split('=', 1)
    mod, fn = place.strip().split(':')
    assert name.strip() == 'lpm' and callable(getattr(import_module(mod), fn))
