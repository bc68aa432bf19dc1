"""Render the book: notebooks -> _proc (nbdev) -> _docs (smalldocs), complete without a network and without scripts for the maths.

    python tools/docs.py [--out DIR]                    default: _docs beside the notebooks
    python tools/docs.py --pages 31_rope 32_attention   a quick look at some pages, links unchecked
"""
import argparse, html, json, os, re, shutil, subprocess, sys, tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / 'tools'))
from book import NBS, Page  # noqa: E402

PROC = """
import ast
import nbdev.processors as P
ask = P._do_eval
def needed(cell):
    "nbdev runs every cell that contains an import; a demonstration that happens to import something keeps its saved output instead."
    if cell.cell_type == 'code' and not cell.directives_.keys() & {'export', 'exports', 'exporti', 'exec_doc'}:
        trees = cell.parsed_() or []
        if not P._show_docs(trees) and not all(isinstance(t, (ast.Import, ast.ImportFrom)) for t in trees): return False
    return ask(cell)
P._do_eval = needed
from nbdev.serve import proc_nbs
proc_nbs(n_workers=0, force=True)
"""

def prepare(nbs):
    "In a book the code is the story: exported cells are shown below the table of their parameters. And nbdev drops what follows the subtitle."
    for p in nbs.glob('*.ipynb'):
        s = re.sub(r'"#\|\s*export\\n"', r'"#| exports\\n"', p.read_text(encoding='utf-8'))
        nb = json.loads(s)
        first = next(c for c in nb['cells'] if c['cell_type'] == 'markdown')
        m = re.match(r'(\s*# [^\n]+\n+(?:> [^\n]+\n?)*)(.*)', ''.join(first['source']), re.S)
        if m and m.group(2).strip():
            first['source'] = m.group(1)
            nb['cells'].insert(nb['cells'].index(first) + 1, {'cell_type': 'markdown', 'id': 'facts', 'metadata': {}, 'source': m.group(2).strip()})
        p.write_text(json.dumps(nb), encoding='utf-8')

def process(work, only=()):
    "nbdev's pass over the notebooks, in a copy: it resolves directives and fills in `show_doc`."
    keep = shutil.ignore_patterns('.venv', '.git', '_proc', '_docs', 'out', 'weights', '__pycache__', 'runs', 'tests', '.ipynb_checkpoints', '.*_cache')
    shutil.copytree(ROOT, work, symlinks=True, ignore=keep, dirs_exist_ok=True)
    for d in ('runs', 'lpm/weights'):                       # read, never written: a link is enough
        if (ROOT / d).exists(): os.symlink(ROOT / d, work / d)
    env = dict(os.environ, PYTHONPATH=f'{work}', OMP_NUM_THREADS='1', IN_TEST='1')
    for p in (work / 'nbs').glob('*.ipynb'):
        if only and p.stem not in (*only, 'index', 'contributing'): p.unlink()
    prepare(work / 'nbs')
    r = subprocess.run([sys.executable, '-c', PROC], cwd=work, env=env, capture_output=True, text=True)
    if r.returncode: sys.exit(f'nbdev could not process the notebooks:\n{(r.stdout + r.stderr)[-3000:]}')
    return work / '_proc'

def rename(proc):
    "smalldocs ignores `output-file`: give the pages the names their links use, and turn links between notebooks the same way."
    names = {p.name: Page(p).slug + '.ipynb' for p in NBS.glob('*.ipynb')}
    for old, new in names.items():
        if old != new and (proc / old).exists(): (proc / old).rename(proc / new)
    link = re.compile(r'\]\(([\w.]+\.ipynb)(#[^)]*)?\)')
    for p in proc.glob('*.ipynb'):
        nb = json.loads(p.read_text(encoding='utf-8'))
        to = lambda s: link.sub(lambda m: f']({names.get(m.group(1), m.group(1))}{m.group(2) or ""})', ''.join(s))
        for c in nb['cells']:
            if c['cell_type'] == 'markdown': c['source'] = to(c['source'])
            for o in c.get('outputs', []):
                if 'text/markdown' in o.get('data', {}): o['data']['text/markdown'] = to(o['data']['text/markdown'])
        p.write_text(json.dumps(nb), encoding='utf-8')

# What Quarto reads and smalldocs does without; every other warning stops the build.
KNOWN = r'output-file is not read|format\.html\.grid is ignored'
MATH = re.compile(r'<span class="math (inline|display)">\s*(?:\\\(|\\\[)(.*?)(?:\\\)|\\\])\s*</span>', re.S)

def mathml(page):
    "TeX to MathML, which browsers draw by themselves."
    from latex2mathml.converter import convert
    page = MATH.sub(lambda m: convert(html.unescape(m.group(2)), display='block' if m.group(1) == 'display' else 'inline'), page)
    page = re.sub(r'<(script|link)[^>]*katex[^>]*>(?:\s*</script>)?', '', page, flags=re.I)
    return re.sub(r'<script[^>]*>[^<]*renderMathInElement.*?</script>', '', page, flags=re.S)

def build(out, only=()):
    with tempfile.TemporaryDirectory() as d:
        proc = process(Path(d) / 'lpm', only)
        rename(proc)
        r = subprocess.run([sys.executable, '-m', 'smalldocs.cli', 'render', str(proc)], capture_output=True, text=True)
        said = [l for l in (r.stdout + r.stderr).splitlines() if l.startswith('warning') and not re.search(KNOWN, l)]
        if r.returncode or said and not only: sys.exit('smalldocs found something:\n' + '\n'.join(said or [(r.stdout + r.stderr)[-3000:]]))
        site = proc / '_docs'
        cfg = (ROOT / 'settings.ini').read_text(encoding='utf-8')
        user, repo = re.search(r'^user = (.+)$', cfg, re.M).group(1), re.search(r'^repo = (.+)$', cfg, re.M).group(1)
        host = f'https://{user}.github.io/{repo}/'
        text = {p: p.read_text(encoding='utf-8') for p in site.rglob('*.html')}
        ids = {p.name: set(re.findall(r'\bid="([^"]+)"', s)) for p, s in text.items()}
        own = re.compile(re.escape(host) + r'([\w.]+\.html)(?:#([^"]+))?"')  # links to own symbols stay inside; what is not shown on its page has no heading to jump to
        for p, s in text.items():
            s = own.sub(lambda m: f'{m[1]}#{m[2]}"' if m[2] in ids.get(m[1], ()) else f'{m[1]}"', s).replace(host, '')
            p.write_text(mathml(s), encoding='utf-8')
        out = Path(out)
        if out.exists(): shutil.rmtree(out)
        shutil.copytree(site, out)
    return out

if __name__ == '__main__':
    ap = argparse.ArgumentParser(); ap.add_argument('--out', default=str(ROOT / '_docs')); ap.add_argument('--pages', nargs='*', default=())
    a = ap.parse_args()
    print(f'the book is in {build(a.out, a.pages)}: open index.html, or serve it with python -m http.server')
