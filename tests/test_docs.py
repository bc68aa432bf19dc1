"The rendered book: built strictly, every local link leads somewhere, no TeX is left, nothing is fetched from elsewhere."
import html, re
import pytest
from urllib.parse import unquote

pytestmark = pytest.mark.xdist_group('docs')

def text_of(s):
    "Visible text, without code, scripts and maths."
    for tag in ('script', 'style', 'pre', 'code', 'math', 'head'): s = re.sub(rf'<{tag}\b.*?</{tag}>', ' ', s, flags=re.S | re.I)
    return html.unescape(re.sub(r'<[^>]+>', ' ', s))

def test_every_page_is_there(site):
    from book import pages
    missing = [p.slug for p in pages() if not (site / f'{p.slug}.html').exists()] + [n for n in ('index', 'contributing') if not (site / f'{n}.html').exists()]
    assert not missing, missing

def test_links(site):
    ids = {p.name: set(re.findall(r'\bid="([^"]+)"', p.read_text(encoding='utf-8'))) for p in site.rglob('*.html')}
    bad = []
    for p in site.rglob('*.html'):
        for link in re.findall(r'(?:href|src)="([^"]+)"', p.read_text(encoding='utf-8')):
            link = html.unescape(link)
            if re.match(r'(?:[a-z]+:|//)', link): continue
            path, _, frag = link.partition('#'); path = unquote(path.split('?')[0])
            f = p if not path else (p.parent / path)
            if f.is_dir(): f = f / 'index.html'
            if not f.exists(): bad.append((p.name, link))
            elif frag and f.suffix == '.html' and unquote(frag) not in ids.get(f.name, ()): bad.append((p.name, link))
    assert not bad, bad[:20]

def test_no_raw_tex(site):
    bad = []
    for p in site.rglob('*.html'):
        t = text_of(p.read_text(encoding='utf-8'))
        bad += [(p.name, m) for m in re.findall(r'\$\$|\\\(|\\\[|\\(?:frac|mathbf|left|sum|epsilon|tfrac|text)\b.{0,20}|\$[^$\s][^$\n]{0,60}[\\_^][^$\n]{0,40}\$', t)]
    assert not bad, bad[:20]

def test_equations_are_drawn(site):
    assert '<math' in (site / 'flow.html').read_text(encoding='utf-8')

def test_nothing_from_elsewhere(site):
    bad = [(p.name, m) for p in site.rglob('*.html') for m in re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?://[^"]+)"', p.read_text(encoding='utf-8')) if 'rel="canonical"' not in m]
    assert not bad, bad[:10]
