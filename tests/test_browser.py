"Two pages and the sidebar in a real browser, served over loopback."
import functools, http.server, os, shutil, subprocess, threading
import pytest
from conftest import clean_env

pytestmark = pytest.mark.xdist_group('docs')
BROWSER = next((b for b in ('chromium', 'chromium-browser', 'google-chrome', 'chrome') if shutil.which(b)), None)
if BROWSER is None: pytestmark = [pytestmark, pytest.mark.skip(reason='no Chromium here: apt-get install chromium (make test does it when it runs as root)')]

@pytest.fixture(scope='module')
def url(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *a): pass
    s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=s.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{s.server_address[1]}'
    s.shutdown()

def chromium(tmp_path, *args):
    cmd = [BROWSER, '--headless', '--disable-gpu', '--hide-scrollbars', '--disable-dev-shm-usage', f'--user-data-dir={tmp_path / "profile"}', '--virtual-time-budget=5000', *args]
    if os.getuid() == 0: cmd.insert(1, '--no-sandbox')
    return subprocess.run(cmd, capture_output=True, text=True, timeout=120, env=clean_env())

def dom(tmp_path, page): return chromium(tmp_path, '--dump-dom', page).stdout

def test_page_with_equations(url, tmp_path):
    s = dom(tmp_path, f'{url}/flow.html')
    assert '<h1' in s and '<math' in s and '<img' in s and 'What we showed' in s

def test_front_page_and_sidebar(url, tmp_path):
    from book import pages
    s = dom(tmp_path, f'{url}/index.html')
    missing = [p.slug for p in pages() if f'{p.slug}.html' not in s]
    assert 'make perform' in s and not missing, missing

@pytest.mark.parametrize('page', ['index', 'actor.body'])
def test_screenshot(url, tmp_path, page):
    import numpy as np
    from PIL import Image
    r = chromium(tmp_path, f'--screenshot={tmp_path / "s.png"}', '--window-size=1400,1600', f'{url}/{page}.html')
    assert (tmp_path / 's.png').exists(), r.stderr[-2000:]
    a = np.asarray(Image.open(tmp_path / 's.png').convert('RGB'))
    assert a.shape[:2] == (1600, 1400)
    assert (a[:, :250] != a[0, 0]).any(-1).mean() > .005, 'the sidebar is empty'
    assert len(np.unique(a[:, 300:1100].reshape(-1, 3), axis=0)) > 200, 'the page is almost empty'
