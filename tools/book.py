"""The book's own machinery: one page list, from which the sidebar, the README, the execution order and a report follow.

    python tools/book.py sidebar            write the page list into _quarto.yml
    python tools/book.py readme             README.md from nbs/index.ipynb
    python tools/book.py run [NAME ...]     execute pages (all by default), two at a time, keep their outputs
    python tools/book.py sync               export, clean, sidebar, readme: what must change nothing in a finished tree
    python tools/book.py report             lengths, shares and assertions, to be looked at, not enforced
"""
import json, os, re, statistics, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / 'nbs'
CHAPTERS = {'0': 'Before the model', '2': 'Part II · From raw video to a dataset', '3': 'Part III · Base LPM', '4': 'Part IV · Online LPM',
            '5': 'Part V · Serving', '6': 'Part VI · Measuring', '7': 'Part VII · Looking around', '8': 'Part VIII · Safety', '9': 'Launch pages'}

def cells(path): return json.loads(Path(path).read_text(encoding='utf-8'))['cells']
def source(c): return ''.join(c['source'])
def is_export(c): return c['cell_type'] == 'code' and bool(re.match(r'\s*#\|\s*exports?\b', source(c)))

class Page:
    "One notebook: its number, its name without it (which is the name of its html page), title, subtitle, module."
    def __init__(self, path):
        self.path, self.name = Path(path), Path(path).stem
        self.num, self.slug = (self.name.split('_', 1) if re.match(r'\d', self.name) else ('', self.name))
        self.cells = cells(path)
        md = '\n'.join(source(c) for c in self.cells if c['cell_type'] == 'markdown')
        self.title = (re.findall(r'^# (.+)$', md, re.M) or [self.slug])[0]
        self.subtitle = (re.findall(r'^> (.+)$', md, re.M) or [''])[0]
        exp = [re.match(r'\s*#\|\s*default_exp\s+(\S+)', source(c)) for c in self.cells if c['cell_type'] == 'code']
        self.module = next((m.group(1) for m in exp if m), None)
    @property
    def code(self): return [c for c in self.cells if c['cell_type'] == 'code']

def pages(): return [Page(p) for p in sorted(NBS.glob('[0-9]*.ipynb'))]

def rename_links(text, prefix=''):
    "`(31_rope.ipynb#a)` -> `(prefix rope.html#a)` is the docs' business; here every page link keeps its file and gets a prefix."
    return re.sub(r'\]\((?!https?:|#|/)([^)\s]+\.(?:ipynb|png|jpg|svg))', lambda m: f']({prefix}{m.group(1)}', text)

def write(path, text):
    "Write only what changed, so that times of files mean something."
    p = Path(path)
    if not p.exists() or p.read_text(encoding='utf-8') != text: p.write_text(text, encoding='utf-8'); print(f'wrote {p.relative_to(ROOT)}')

# --- sidebar -------------------------------------------------------------------------------------------------------
def sidebar():
    "Page names in the sidebar are those of `_proc`, where the numbers are gone."
    out = ['      - href: index.ipynb', '        text: "lpm"']
    for d in CHAPTERS:
        ps = [p for p in pages() if p.num.startswith(d)]
        if not ps: continue
        out += [f'      - section: "{CHAPTERS[d]}"', '        contents:']
        for p in ps: out += [f'          - href: {p.slug}.ipynb', f'            text: "{p.num} {p.slug}"']
    out += ['      - href: contributing.ipynb', '        text: "Contributing"']
    s = (ROOT / '_quarto.yml').read_text(encoding='utf-8')
    head, rest = re.split(r'(?<=do not edit below this line\n)', s, maxsplit=1)
    tail = rest[rest.index('\nmetadata-files:'):]
    write(ROOT / '_quarto.yml', head + '\n'.join(out) + '\n' + tail)

# --- README --------------------------------------------------------------------------------------------------------
def text_output(o):
    "What a code cell printed, as markdown."
    d = o.get('data', {})
    if 'text/markdown' in d: return ''.join(d['text/markdown'])
    if any(k.startswith('image/') for k in d): return ''
    t = ''.join(o.get('text', d.get('text/plain', '')))
    return '\n'.join('    ' + line for line in t.rstrip().split('\n')) if t.strip() else ''

def readme():
    out = ['<!-- made from nbs/index.ipynb by `python tools/book.py readme`: edit that -->']
    for c in cells(NBS / 'index.ipynb'):
        s = source(c).strip()
        if c['cell_type'] == 'markdown': out.append(rename_links(s, 'nbs/'))
        elif c['cell_type'] == 'code':
            opts = re.findall(r'^#\|\s*(.+)$', s, re.M); body = re.sub(r'^#\|.*\n?', '', s, flags=re.M).strip()
            if 'hide' in opts: continue
            if body and 'echo: false' not in opts: out.append(f'```python\n{body}\n```')
            out += [rename_links(t, 'nbs/') for t in map(text_output, c.get('outputs', [])) if t]
    write(ROOT / 'README.md', '\n\n'.join(out) + '\n')

# --- execution -----------------------------------------------------------------------------------------------------
RUN = '''
import os, sys, time
from pathlib import Path
from execnb.nbio import read_nb, write_nb
from execnb.shell import CaptureShell
p = Path(sys.argv[1]); nb = read_nb(p); os.chdir(p.parent)
t = time.time(); k = CaptureShell(p)
try: k.run_all(nb, exc_stop=True, preproc=lambda c: c.cell_type != 'code' or 'eval: false' in c.source)
except BaseException: sys.stderr.write(k.prettytb(fname=p) + '\\n'); sys.exit(1)
write_nb(nb, p)
print(f'{p.stem:28} {time.time() - t:6.1f} s  {p.stat().st_size // 1000:5} kB')
'''

def env():
    e = dict(os.environ, IN_TEST='1', PYTHONPATH=f'{ROOT}{os.pathsep}{os.environ.get("PYTHONPATH", "")}'.rstrip(os.pathsep))
    e.setdefault('OMP_NUM_THREADS', '1')
    return e

def run(*names):
    "Execute pages with their outputs kept; returns the names of those that failed."
    ps = [p for p in [*pages(), *[Page(NBS / f'{n}.ipynb') for n in ('index', 'contributing')]]
          if not names or any(n in (p.name, p.num, p.slug) for n in names)]
    if names and not ps: sys.exit(f'no page is called {" or ".join(names)}')
    t0 = time.time()
    def one(p):
        r = subprocess.run([sys.executable, '-c', RUN, str(p.path)], env=env(), capture_output=True, text=True)
        print(r.stdout, end='', flush=True)
        if r.returncode: print(f'{p.name}: FAILED\n{r.stderr[-3000:]}', flush=True)
        return p.name if r.returncode else None
    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as ex: bad = [b for b in ex.map(one, ps) if b]
    print(f'{len(ps) - len(bad)} of {len(ps)} pages ran in {time.time() - t0:.0f} s')
    return bad

def sync():
    "Export and clean every page, then everything that is made from the page list."
    e = {k: v for k, v in env().items() if k != 'IN_TEST'}
    for tool in ('nbdev.doclinks:nbdev_export', 'nbdev.clean:nbdev_clean'):
        m, f = tool.split(':')
        r = subprocess.run([sys.executable, '-c', f'from {m} import {f}; {f}()'], cwd=ROOT, env=e, capture_output=True, text=True)
        if r.returncode: sys.exit(f'{f} failed:\n{r.stderr[-3000:]}')
    sidebar(); readme()

# --- report --------------------------------------------------------------------------------------------------------
def code_lines(s): return [x for x in s.split('\n') if x.strip() and not x.strip().startswith('#|')]

def report():
    "fastcore: export cell 6/16/51 lines (median/p90/max), 54 % of code lines exported, 28.5 assertions per 100 exported lines."
    print(f'{"page":24} cells  export median/p90/max  exported %  asserts/100  words/line  output %    kB  figures')
    for p in pages():
        ex = sorted(len(code_lines(source(c))) for c in p.code if is_export(c))
        demo = [c for c in p.code if not is_export(c)]
        n_ex, n_demo = sum(ex), sum(len(code_lines(source(c))) for c in demo)
        asserts = sum(len(re.findall(r'\btest_\w+\(|\bassert\b', source(c))) for c in demo)
        words = sum(len(source(c).split()) for c in p.cells if c['cell_type'] == 'markdown')
        size = p.path.stat().st_size
        outs = [o for c in p.code for o in c.get('outputs', [])]
        figs = sum(any(k.startswith('image/') for k in o.get('data', {})) for o in outs)
        q = f'{statistics.median(ex):.0f}/{ex[int(len(ex) * .9)] if len(ex) > 1 else ex[0]}/{ex[-1]}' if ex else '-'
        print(f'{p.name:24} {len(p.cells):5}  {q:>21}  {100 * n_ex / max(1, n_ex + n_demo):9.0f}  {100 * asserts / max(1, n_ex):11.1f}  '
              f'{words / max(1, n_ex):10.1f}  {100 * len(json.dumps(outs)) / size:7.0f}  {size // 1000:5}  {figs}')

if __name__ == '__main__':
    cmd, *args = sys.argv[1:] or ['help']
    if cmd not in ('sidebar', 'readme', 'run', 'sync', 'report'): sys.exit(__doc__)
    sys.exit(1 if globals()[cmd](*args) else 0)
