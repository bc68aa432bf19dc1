"""What a newcomer does: clone, two commands, nothing cached. Writes runs/newcomer.json.

    python tools/newcomer.py               clones the last commit of this checkout into a temporary folder; tens of minutes, about 3 GB
"""
import json, os, platform, re, subprocess, sys, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

def run(command, folder, env):
    "Minutes, and everything that was printed; a failure ends the measurement."
    t = time.perf_counter(); out = []
    p = subprocess.Popen(command, cwd=folder, env=env, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in p.stdout: print(line, end='', flush=True); out.append(line)
    if p.wait(): sys.exit(f'{command} failed with exit status {p.returncode}: no record written')
    return round((time.perf_counter() - t)/60, 2), ''.join(out)

def main():
    commit = subprocess.check_output(['git', 'rev-parse', '--short', 'HEAD'], cwd=ROOT, text=True).strip()
    with tempfile.TemporaryDirectory() as d:
        # an own home and cache: nothing that earlier installations left behind; the package index stays the machine's
        env = {k: v for k, v in os.environ.items() if k not in ('VIRTUAL_ENV', 'PYTHONPATH', 'VENV')} | dict(PIP_CACHE_DIR=f'{d}/cache', UV_CACHE_DIR=f'{d}/cache', XDG_CACHE_HOME=f'{d}/cache', TORCHINDUCTOR_CACHE_DIR=f'{d}/compiled')
        subprocess.run(['git', 'clone', '-q', str(ROOT), f'{d}/lpm'], check=True)
        perform, said = run('make perform', f'{d}/lpm', env)
        assert Path(f'{d}/lpm/out/talk.mp4').stat().st_size > 10_000
        test, said_test = run('make test', f'{d}/lpm', env)
        report = json.loads(Path(f'{d}/lpm/out/talk.json').read_text())
    counts = re.findall(r'(\d+) passed, (\d+) failed, (\d+) skipped', said_test)[-1]
    record = dict(name='newcomer', commit=commit, minutes=round(perform + test, 2), commands=dict(perform=perform, test=test), device=f'{os.cpu_count()} cores, CPU', tests=dict(zip(('passed', 'failed', 'skipped'), map(int, counts))), perform=report,
                  python=platform.python_version(), cores=os.cpu_count(), load=round(os.getloadavg()[0], 2))
    (ROOT/'runs'/'newcomer.json').write_text(json.dumps(record, indent=1) + '\n')
    print(f'make perform {perform} min, make test {test} min: {counts[0]} passed')

if __name__ == '__main__': main()
