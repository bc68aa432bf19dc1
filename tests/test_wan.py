"Wan2.1 checkpoints beyond what the pages show: every way a download goes wrong, what a load costs, names as published. Parity with diffusers is tested on the pages."
import json, random, re, shutil, sys
from dataclasses import replace
from math import prod
import pytest, torch
from safetensors.torch import load_file, save_file
from conftest import run
from lpm.config import paper
from lpm.dit import DiT
from lpm.notation import LpmError
from lpm.wan import Layout, NAMES, catalog, read_dit, read_layout, shards, spelled, stored_shape
from lpm.wanvae import WanVAE, WanVAEConfig, read_vae, vae_name, wan21

LIKE = replace(paper().dit, audio_dim=12, speak_window=5, listen_window=6)
STEM = 'diffusion_pytorch_model'

def write_wan(folder, spelling='original', image=False, dim=48, heads=2, ffn=64, depth=2, pieces=3, dtype=torch.float32):
    "A Wan checkpoint in shards, made of names and shapes only."
    lay = Layout(spelling, 36 if image else 16, replace(LIKE, dim=dim, heads=heads, ffn=ffn, depth=depth, freq_dim=32, text_dim=20, predict='velocity', theta=10000.))
    with torch.device('meta'): shapes = {k: stored_shape(k, tuple(p.shape), lay) for k, p in DiT(lay.dit).named_parameters()}
    sd = {spelled(k, spelling): torch.randn(s, dtype=dtype) for k, s in shapes.items() if spelled(k, spelling)}
    if image:
        for b in range(depth):
            sd |= {f'blocks.{b}.cross_attn.{n}_img.{e}': torch.randn(s) for n in 'kv' for e, s in (('weight', (dim, dim)), ('bias', dim))} | {f'blocks.{b}.cross_attn.norm_k_img.weight': torch.randn(dim)}
        sd |= {f'img_emb.proj.{i}.{e}': torch.randn(4) for i in (0, 1, 3, 4) for e in ('weight', 'bias')}
    folder.mkdir(parents=True); files = {k: f'{STEM}-{i % pieces + 1:05}-of-{pieces:05}.safetensors' for i, k in enumerate(sorted(sd))}
    for f in set(files.values()): save_file({k: sd[k] for k, g in files.items() if g == f}, folder/f)
    (folder/f'{STEM}.safetensors.index.json').write_text(json.dumps(dict(weight_map=files)))
    c = dict(_class_name='WanModel', model_type='i2v' if image else 't2v', dim=dim, num_heads=heads, in_dim=lay.inputs, out_dim=16) if spelling == 'original' else \
        dict(_class_name='WanTransformer3DModel', num_attention_heads=heads, attention_head_dim=dim//heads, in_channels=lay.inputs, out_channels=16, image_dim=None, patch_size=[1, 2, 2])
    (folder/'config.json').write_text(json.dumps(dict(c, ffn_dim=ffn, num_layers=depth, freq_dim=32, text_dim=20, eps=1e-6)))
    return folder

@pytest.fixture(scope='module')
def good(tmp_path_factory): return write_wan(tmp_path_factory.mktemp('wan')/'Wan2.1-I2V', image=True)

# --- names as published -------------------------------------------------------------------------------------------------
BLOCK = '''modulation norm3.weight norm3.bias ffn.0.weight ffn.0.bias ffn.2.weight ffn.2.bias
self_attn.q.weight self_attn.q.bias self_attn.k.weight self_attn.k.bias self_attn.v.weight self_attn.v.bias self_attn.o.weight self_attn.o.bias self_attn.norm_q.weight self_attn.norm_k.weight
cross_attn.q.weight cross_attn.q.bias cross_attn.k.weight cross_attn.k.bias cross_attn.v.weight cross_attn.v.bias cross_attn.o.weight cross_attn.o.bias cross_attn.norm_q.weight cross_attn.norm_k.weight'''.split()
CLIP = 'cross_attn.k_img.weight cross_attn.k_img.bias cross_attn.v_img.weight cross_attn.v_img.bias cross_attn.norm_k_img.weight'.split()
OUTSIDE = [f'{n}.{e}' for n in 'patch_embedding text_embedding.0 text_embedding.2 time_embedding.0 time_embedding.2 time_projection.1 head.head'.split() for e in ('weight', 'bias')] + ['head.modulation']
CLIP_OUTSIDE = [f'img_emb.proj.{i}.{e}' for i in (0, 1, 3, 4) for e in ('weight', 'bias')]

def test_every_published_name_is_known():
    "The 1,303 tensors of Wan2.1-I2V-14B, written down by hand, and our parameters: nothing left over on either side but the ears."
    keep = OUTSIDE + [f'blocks.{i}.{n}' for i in range(40) for n in BLOCK]; drop = CLIP_OUTSIDE + [f'blocks.{i}.{n}' for i in range(40) for n in CLIP]
    with torch.device('meta'): ours = [k for k, _ in DiT(paper().dit).named_parameters()]
    ears = [k for k in ours if '_aud' in k or k.startswith(('speak.', 'listen.'))]
    assert len(keep + drop) == 1303
    assert {spelled(n, of='original') for n in keep} == set(ours) - set(ears) and {spelled(n, of='original') for n in drop} == {'-'}
    assert not any(spelled(k, s) for k in ears for s in ('original', 'diffusers'))
    for n in keep + drop: assert spelled(spelled(n, 'diffusers', 'original'), 'original', 'diffusers') == n
    assert all(len(r) == 3 for r in NAMES) and all(len({r[i] for r in NAMES if r[i] != '-'}) == len([r for r in NAMES if r[i] != '-']) for i in range(3))

# --- damage -------------------------------------------------------------------------------------------------------------
def shard(d, i=1): return sorted(d.glob('*.safetensors'))[i]
def edit(p, f): p.write_text(json.dumps(f(json.loads(p.read_text()))))
def conf(d, **kw): edit(d/'config.json', lambda c: {k: v for k, v in {**c, **kw}.items() if v != 'absent'})
def weights(d, f, i=1): s = shard(d, i); w = load_file(s); w = {k: v.clone() for k, v in w.items()}; f(w); s.unlink(); save_file(w, s)
def first(w, change): k = next(k for k in sorted(w) if 'img' not in k and w[k].dim() == 2); w[k] = change(w[k])
INDEX = f'{STEM}.safetensors.index.json'

DAMAGE = {
    'no folder': (lambda d: shutil.rmtree(d), 'holds no config.json'),
    'empty folder': (lambda d: [p.unlink() for p in d.iterdir()], 'holds no config.json'),
    'config is no json': (lambda d: (d/'config.json').write_text('{"dim": '), 'cannot be read as JSON'),
    'config is a list': (lambda d: (d/'config.json').write_text('[]'), 'no JSON object'),
    'config of another model': (lambda d: conf(d, _class_name='FluxTransformer2DModel'), 'accepted are WanModel and WanTransformer3DModel'),
    'config says nothing': (lambda d: (d/'config.json').write_text('{}'), 'no Wan model'),
    'first-last-frame model': (lambda d: conf(d, model_type='flf2v'), "'t2v' or 'i2v'"),
    'other patches': (lambda d: conf(d, patch_size=[1, 4, 4]), 'patch_size'),
    'other norm': (lambda d: conf(d, eps=1e-5), 'eps'),
    'no width': (lambda d: conf(d, dim='absent'), 'dim is None; a positive whole number'),
    'negative depth': (lambda d: conf(d, num_layers=-1), 'num_layers is -1'),
    'width as text': (lambda d: conf(d, dim='48'), "dim is '48'"),
    'heads do not divide': (lambda d: conf(d, num_heads=5), 'do not fit together'),
    'another width': (lambda d: conf(d, dim=96), 'has shape'),
    'fewer layers': (lambda d: conf(d, num_layers=1), 'belongs to no Wan2.1'),
    'more layers': (lambda d: conf(d, num_layers=3), 'is in none of the 3 files'),
    'fewer inputs': (lambda d: conf(d, in_dim=16), 'has shape'),
    'missing shard': (lambda d: shard(d).unlink(), 'is missing (1 of 3 shards'),
    'missing shard, no index': (lambda d: (shard(d, 2).rename(d/'x'), (d/INDEX).unlink(), (d/'x').rename(d/f'{STEM}-00003-of-00003.safetensors'), shard(d, 0).unlink()), 'is missing (1 of 3 shards'),
    'no shards': (lambda d: [p.unlink() for p in [*d.glob('*.safetensors'), d/INDEX]], f'holds no {STEM}'),
    'pickles only': (lambda d: ([p.unlink() for p in [*d.glob('*.safetensors'), d/INDEX]], (d/f'{STEM}.bin').write_bytes(b'\x80\x04.')), 'is a pickle'),
    'index is no json': (lambda d: (d/INDEX).write_text('weight_map'), 'cannot be read as JSON'),
    'index without map': (lambda d: (d/INDEX).write_text('{}'), 'no weight_map'),
    'index leads outside': (lambda d: edit(d/INDEX, lambda c: dict(weight_map=dict(a='../../secret.safetensors'))), 'no weight_map'),
    'cut shard': (lambda d: shard(d).write_bytes(shard(d).read_bytes()[:-7]), 'not a whole safetensors file'),
    'cut in the header': (lambda d: shard(d).write_bytes(shard(d).read_bytes()[:40]), 'not a whole safetensors file'),
    'empty shard': (lambda d: shard(d).write_bytes(b''), 'not a whole safetensors file'),
    'a web page': (lambda d: shard(d).write_text('<html>sign in to download</html>' * 50), 'not a whole safetensors file'),
    'a folder as shard': (lambda d: (shard(d).unlink(), (d/f'{STEM}-00002-of-00003.safetensors').mkdir()), 'is missing'),
    'missing tensor': (lambda d: weights(d, lambda w: w.pop(next(k for k in sorted(w) if 'img' not in k))), '1 of 69 tensors are missing'),
    'wrong shape': (lambda d: weights(d, lambda w: first(w, lambda v: v[:-1].clone())), 'has shape'),
    'transposed': (lambda d: weights(d, lambda w: w.update({'blocks.0.ffn.0.weight': torch.zeros(48, 64)}), next(i for i in range(3) if 'blocks.0.ffn.0.weight' in load_file(shard(d, i)))), 'has shape [48, 64], but the configuration asks for [64, 48]'),
    'quantised': (lambda d: weights(d, lambda w: first(w, lambda v: v.to(torch.float8_e4m3fn))), 'accepted are F32, F16, BF16'),
    'integers': (lambda d: weights(d, lambda w: first(w, lambda v: v.to(torch.int8))), 'is stored as I8'),
    'foreign tensor': (lambda d: weights(d, lambda w: w.update({'vace_blocks.0.norm3.bias': torch.zeros(3)})), 'vace_blocks.0.norm3.bias belongs to no Wan2.1'),
    'two downloads mixed': (lambda d: shutil.copy(shard(d, 0), shard(d, 1)), 'and again in'),
}

def same_files(d): return sorted((str(p.relative_to(d)), p.stat().st_size if p.is_file() else -1) for p in d.rglob('*')) if d.exists() else None

@pytest.mark.parametrize('what', DAMAGE)
def test_one_line_for_every_damage(good, tmp_path, what):
    d = shutil.copytree(good, tmp_path/'Wan2.1'); spoil, why = DAMAGE[what]; spoil(d); before = same_files(d)
    with pytest.raises(LpmError) as e: read_dit(d, LIKE)
    s = str(e.value)
    assert why in s and '\n' not in s and 'Wan2.1' in s and len(s) < 500, s
    assert same_files(d) == before and [p.name for p in tmp_path.iterdir()] in (['Wan2.1'], [])        # nothing written, half or whole

def test_random_damage_loads_or_is_refused(good, tmp_path):
    "Bytes changed anywhere in the header, lengths included: a model of the right shape, or one line."
    rng = random.Random(0); d = shutil.copytree(good, tmp_path/'Wan2.1'); s = shard(d, 0); data = s.read_bytes(); header = 8 + int.from_bytes(data[:8], 'little')
    refused = 0
    for k in range(40):
        b = bytearray(data)
        for _ in range(rng.choice([1, 3, 30])): b[rng.randrange(header)] = rng.randrange(256)
        s.write_bytes(bytes(b))
        try: dit, _ = read_dit(d, LIKE)
        except LpmError as e: refused += 1; assert '\n' not in str(e)
        else: assert not any(p.is_meta for p in dit.parameters())
    assert refused > 20

def test_where_a_folder_may_begin(good, tmp_path):
    "The model's folder, its transformer's, one file without an index: all are found."
    write_wan(tmp_path/'pipe'/'transformer', 'diffusers'); a, b = read_dit(tmp_path/'pipe', LIKE)[0], read_dit(tmp_path/'pipe'/'transformer', LIKE)[0]
    assert all(torch.equal(p, b.state_dict()[k]) for k, p in a.state_dict().items() if spelled(k, 'diffusers'))
    d = tmp_path/'one'; d.mkdir(); shutil.copy(good/'config.json', d)
    save_file({k: v.clone() for f in shards(good) for k, v in load_file(f).items()}, d/f'{STEM}.safetensors')
    one, t = read_dit(d, LIKE); many, _ = read_dit(good, LIKE)
    assert all(torch.equal(p, many.state_dict()[k]) for k, p in one.state_dict().items() if k in t.takes) and len(t.dropped) == 2*5 + 8

def test_mixed_formats_become_one(tmp_path):
    "diffusers keeps some tensors of a 16-bit checkpoint in 32 bits: the model takes the format most numbers have, or the one asked for."
    d = write_wan(tmp_path/'w', 'diffusers', dtype=torch.bfloat16)
    for i in range(3): weights(d, lambda w: w.update({k: v.float() for k, v in w.items() if 'scale_shift' in k or 'norm' in k}), i)
    assert {s.dtype for s in catalog(shards(d)).values()} == {'F32', 'BF16'}
    for want, dt in ((torch.bfloat16, None), (torch.float32, torch.float32)): assert {p.dtype for p in read_dit(d, LIKE, dt)[0].parameters()} == {want}

# --- what it costs ------------------------------------------------------------------------------------------------------
PEAK = '''
import re, sys, threading, time, torch
from dataclasses import replace
from lpm.config import paper
from lpm.wan import read_dit
def own(): return int(re.search(r'RssAnon:\\s+(\\d+)', open('/proc/self/status').read())[1])/1024
like = replace(paper().dit, audio_dim=12, speak_window=5, listen_window=6); torch.randn(64, 64) @ torch.randn(64, 64)
read_dit(sys.argv[2], like, getattr(torch, sys.argv[3]))                 # warm: what libraries allocate once
start, peak, stop = own(), [0], threading.Event()
def watch():
    while not stop.is_set(): peak[0] = max(peak[0], own()); time.sleep(.0005)
w = threading.Thread(target=watch); w.start(); m, _ = read_dit(sys.argv[1], like, getattr(torch, sys.argv[3])); stop.set(); w.join()
print(peak[0] - start, own() - start)
'''

@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='reads /proc')
@pytest.mark.parametrize('dtype', ['float32', 'bfloat16'])
def test_nothing_is_materialised_twice(tmp_path, dtype):
    "The peak of a process's own memory while it loads 190 MB of float32: nothing but the new ears as stored, one copy and one tensor in bfloat16."
    d = write_wan(tmp_path/'big', dim=768, heads=8, ffn=4096, depth=4); small = write_wan(tmp_path/'small')
    have = catalog(shards(d)); mb = lambda n: n*4/2**20
    stored, largest = mb(sum(prod(s.shape) for s in have.values())), mb(max(prod(s.shape) for s in have.values()))
    with torch.device('meta'): ears = mb(sum(p.numel() for k, p in DiT(read_layout(d, LIKE).dit).named_parameters() if not spelled(k, 'original')))
    peak, kept = map(float, run(sys.executable, '-c', PEAK, d, small, dtype).stdout.split())
    print(f'{stored:.0f} MB stored, ears {ears:.0f} MB, {dtype}: peak {peak:.0f} MB, kept {kept:.0f} MB')
    share = 0. if dtype == 'float32' else .5
    assert stored > 170 and peak < share*stored + ears + largest + 12, (peak, kept)

def test_imports_without_diffusers():
    "The modules need no diffusers; what compares with it says which extra to install."
    run(sys.executable, '-c', '''
import sys; sys.modules['diffusers'] = None
import lpm.wan, lpm.wanvae
from lpm.notation import LpmError
try: lpm.wan.block_race(48, 2, 64, (1, 2, 2))
except LpmError as e: assert 'lpm[wan]' in str(e)
else: raise SystemExit('no error')
''')

# --- the autoencoder ----------------------------------------------------------------------------------------------------
def test_autoencoder_names_as_published():
    "All 194 tensors of Wan2.1_VAE, written down level by level."
    res = lambda p, skip: [f'{p}.residual.{i}.{e}' for i, es in ((0, ['gamma']), (2, ['weight', 'bias']), (3, ['gamma']), (6, ['weight', 'bias'])) for e in es] + ([f'{p}.shortcut.weight', f'{p}.shortcut.bias'] if skip else [])
    wb = lambda p: [f'{p}.weight', f'{p}.bias']; names = wb('conv1') + wb('conv2')
    for side, ends, body in (('encoder', wb('encoder.conv1'), 'downsamples'), ('decoder', wb('decoder.conv1'), 'upsamples')):
        names += ends + res(f'{side}.middle.0', False) + res(f'{side}.middle.2', False) + [f'{side}.middle.1.norm.gamma', *wb(f'{side}.middle.1.to_qkv'), *wb(f'{side}.middle.1.proj'), f'{side}.head.0.gamma', *wb(f'{side}.head.2')]
    for i, skip in zip((0, 1, 3, 4, 6, 7, 9, 10), (0, 0, 1, 0, 1, 0, 0, 0)): names += res(f'encoder.downsamples.{i}', skip)
    for i in (0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14): names += res(f'decoder.upsamples.{i}', i == 4)
    for i in (2, 5, 8): names += wb(f'encoder.downsamples.{i}.resample.1') + (wb(f'encoder.downsamples.{i}.time_conv') if i > 2 else [])
    for i in (3, 7, 11): names += wb(f'decoder.upsamples.{i}.resample.1') + (wb(f'decoder.upsamples.{i}.time_conv') if i < 11 else [])
    with torch.device('meta'): ours = [k for k, _ in WanVAE(wan21()).named_parameters()]
    assert len(names) == 194 and sorted(vae_name(n, 'original', 2) for n in names) == sorted(ours)

def test_autoencoder_keeps_its_own_format(tmp_path):
    "Saved and read as ours; in bfloat16 the statistics stay exact."
    vae = WanVAE(WanVAEConfig(4, 8, (1, 2), 1, (True,))).eval(); vae.save_pretrained(tmp_path/'vae'); z = torch.randn(1, 4, 3, 4, 4)
    with torch.no_grad(): assert torch.equal(WanVAE.from_pretrained(tmp_path).decode(z), vae.decode(z)) and vae.decode(z).shape == (1, 3, 5, 8, 8)

@pytest.mark.parametrize('change, why', [(dict(_class_name='AutoencoderKL'), '_class_name'), (dict(is_residual=True), 'is_residual'), (dict(z_dim='absent'), 'z_dim'), (dict(latents_mean=[0.]), 'do not fit'), (dict(patch_size=2), 'patch_size'),
                                         (dict(base_dim=16), 'has shape'), (dict(num_res_blocks=2), 'are missing')])
def test_autoencoder_config(tmp_path, change, why):
    cfg = dict(_class_name='AutoencoderKLWan', base_dim=8, z_dim=4, dim_mult=[1, 2], num_res_blocks=1, temperal_downsample=[True], latents_mean=[0.]*4, latents_std=[1.]*4, attn_scales=[], is_residual=False)
    v = tmp_path/'vae'; v.mkdir(); (v/'config.json').write_text(json.dumps({k: x for k, x in {**cfg, **change}.items() if x != 'absent'}))
    with torch.device('meta'): ours = {k: tuple(p.shape) for k, p in WanVAE(WanVAEConfig(4, 8, (1, 2), 1, (True,))).named_parameters()}
    back = {'enc.quant': 'quant_conv', 'dec.quant': 'post_quant_conv', '.inp.': '.conv_in.', '.norm.gamma': '.norm_out.gamma', '.out.': '.conv_out.', '.skip.': '.conv_shortcut.', '.mid.0.': '.mid_block.resnets.0.', '.mid.2.': '.mid_block.resnets.1.',
            '.time.': '.time_conv.', 'enc.body': 'encoder.down_blocks', '.mid.1.norm_out': '.mid_block.attentions.0.norm', '.mid.1.': '.mid_block.attentions.0.', '.qkv.': '.to_qkv.'}
    def stored(k):
        for a, b in back.items(): k = k.replace(a, b)
        k = re.sub(r'^enc\.', 'encoder.', re.sub(r'^dec\.', 'decoder.', k))
        k = re.sub(r'decoder\.body\.(\d+)', lambda m: f'decoder.up_blocks.{int(m[1])//3}.' + (f'resnets.{int(m[1]) % 3}' if int(m[1]) % 3 < 2 else 'upsamplers.0'), k)
        return re.sub(r'(down_blocks\.1|upsamplers\.0)\.conv\.', r'\1.resample.1.', k)
    save_file({stored(k): torch.randn(*s, *[1]*((2 if '.mid.1.' in k else 3) if k.endswith('gamma') else 0)) for k, s in ours.items()}, v/f'{STEM}.safetensors')
    with pytest.raises(LpmError) as e: read_vae(tmp_path)
    assert why in str(e.value) and '\n' not in str(e.value), e.value
    (v/'config.json').write_text(json.dumps(cfg)); assert read_vae(tmp_path).cfg.channels == 4           # and unspoilt it loads

# --- the reader ---------------------------------------------------------------------------------------------------------
def test_text_encoder_of_a_wan_folder(tmp_path):
    "diffusers keeps umT5 in text_encoder/ and its tokenizer in tokenizer/ beside it; 512 rows, padding zero, as Wan reads them."
    pytest.importorskip('transformers')
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel
    from lpm.text import TextEncoder
    t = Tokenizer(models.WordLevel({w: i for i, w in enumerate(['<pad>', '</s>', '<unk>', 'she', 'smiles'])}, unk_token='<unk>')); t.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=t, pad_token='<pad>', eos_token='</s>', unk_token='<unk>').save_pretrained(tmp_path/'tokenizer')
    torch.manual_seed(0); m = UMT5EncoderModel(UMT5Config(vocab_size=5, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)).eval(); m.save_pretrained(tmp_path/'text_encoder', max_shard_size='5KB')
    assert len(list((tmp_path/'text_encoder').glob('*.safetensors'))) > 1
    emb, mask = TextEncoder.from_pretrained(str(tmp_path/'text_encoder'), 512).encode(['she smiles'])
    want = m(input_ids=torch.tensor([[3, 4]])).last_hidden_state
    assert emb.shape == (1, 512, 16) and int(mask.sum()) == 2 and (emb[:, 2:] == 0).all() and (emb[:, :2] - want).abs().max() < 1e-5
