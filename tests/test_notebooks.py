"Every page from top to bottom, each in a fresh process: a page must not depend on what ran before it."
import sys
import pytest
from book import NBS, Page, pages
from conftest import run

BOOK = [*pages(), *[Page(NBS / f'{n}.ipynb') for n in ('index', 'contributing')]]
CODE = '''
import sys, resource
from pathlib import Path
from nbdev.test import test_nb as run_notebook
ok, seconds = run_notebook(Path(sys.argv[1]), skip_flags=sys.argv[2].split(), basepath=sys.argv[3])
print(f'{Path(sys.argv[1]).stem}: {seconds:.1f} s, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB')
sys.exit(not ok)
'''

@pytest.mark.parametrize('page', BOOK, ids=lambda p: p.name)
def test_page(page, root, record_property):
    r = run(sys.executable, '-c', CODE, page.path, 'slow gpu realdata', root, timeout=240, IN_TEST='1')
    print(r.stdout.strip().split('\n')[-1])
