"Everything comes from settings.ini: name, requirements, extras, entry points."
import configparser
from pathlib import Path
from setuptools import setup, find_packages

root = Path(__file__).parent
parser = configparser.ConfigParser(delimiters=['='])
parser.read(root / 'settings.ini', encoding='utf-8')
cfg = parser['DEFAULT']
extras = {name: cfg[f'{name}_requirements'].split() for name in cfg['extras'].split()}

setup(
    name=cfg['lib_name'], version=cfg['version'], description=cfg['description'], keywords=cfg['keywords'],
    author=cfg['author'], author_email=cfg['author_email'], url=cfg['git_url'], license='Apache-2.0', license_files=['LICENSE'],
    long_description=(root / 'README.md').read_text(encoding='utf-8') if (root / 'README.md').exists() else '',
    long_description_content_type='text/markdown',
    python_requires=f'>={cfg["min_python"]}',
    packages=find_packages(include=[cfg['lib_path'], cfg['lib_path'] + '.*']),
    package_data={cfg['lib_path']: ['weights/**/*.json', 'weights/**/*.safetensors', 'weights/**/*.flac', 'weights/**/*.md', 'assets/*']},
    install_requires=cfg['requirements'].split(), extras_require=extras,
    entry_points={'console_scripts': cfg['console_scripts'].split(), 'nbdev': [f'{cfg["lib_name"]}={cfg["lib_path"]}._modidx:d']},
    zip_safe=False,
)
