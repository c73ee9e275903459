"""Flags become settings; what contradicts itself is refused; what was saved comes back."""

import dataclasses

import pytest
from absl import flags as absl_flags

from data_pipeline.batches.noise_settings import NoiseSettings
from data_pipeline.errors import UsageError
from experiments.configuration import flags
from experiments.configuration.settings import RULES, Settings, TrainSettings
from repose_tf.architecture import PRESETS, REFERENCE_CONVENTIONS
from tests.support.programs import ROOT

FLAG_FILES = sorted(ROOT.glob('*.flags'))
SAVED = ROOT / 'tests/experiments/configuration/saved_flags.txt'  # flags.txt of a run before there was a table
# Flags that there were not then.
NEWER = ('--registration', '--schedule_steps', '--max_minutes', '--perceptual_loss',
         '--detail', '--perceptual_stride', '--person_weight', '--coarse_weight',
         '--close_up_weight', '--background_weight',
         *(f'--{name}' for name in vars(NoiseSettings())))


def parsed(*arguments):
    values = absl_flags.FlagValues()
    flags.define_training_run(values)
    values(['program', *arguments])
    return values


def settings(*arguments):
    return flags.settings_from_flags(parsed(*arguments))


def test_defaults_are_the_papers():
    found = settings()
    assert (found.train.batch_size, found.train.steps, found.train.learning_rate) == (2, 150_000, 2e-4)
    assert (found.train.adam_beta1, found.train.adam_beta2) == (0.5, 0.999)
    assert (found.losses.perceptual_weight, found.losses.adversarial_weight) == (3, 1)
    assert (found.losses.label_smoothing, found.losses.l1_weight, found.losses.l2_weight) == (0.25, 0, 1e-4)
    assert found.model.architecture() == PRESETS['reference']
    assert not any(vars(found.noise).values())


def test_model_flags_make_the_architecture():
    found = settings('--preset=small', '--warp=2d', '--pose=2d', '--conventions=reference')
    found = found.model.architecture()
    assert (found.warp, found.pose, found.volume_norm) == ('2d', '2d', 'row')
    assert (found.image_size, found.registration) == (PRESETS['small'].image_size, 'reference')
    assert settings('--registration=reference').model.architecture() == dataclasses.replace(
        PRESETS['reference'], registration='reference')


@pytest.mark.parametrize('argument', [
    '--dataset=faces', '--preset=huge', '--precision=float8', '--steps=0', '--batch_size=-1',
    '--learning_rate=0', '--learning_rate=nan', '--l1_weight=inf', '--adam_beta1=1', '--label_smoothing=0.5',
    '--l2_weight=-1', '--random_background=1.5', '--joint_noise_px=-1', '--pose_scale_noise=1'])
def test_values_out_of_range_are_refused(argument):
    name, value = argument[2:].split('=')
    with pytest.raises(absl_flags.Error) as caught:
        parsed(argument)
    assert name in str(caught.value) and value in str(caught.value)


@pytest.mark.parametrize('arguments, words', [
    (['--vgg_weights=none'], ('--perceptual_weight', 'expected 0', 'found 3')),
    (['--vgg_weights=vgg.h5'], ('--vgg_weights', 'imagenet', "'vgg.h5'")),
    (['--vgg_weights=none', '--perceptual_weight=0', '--adversarial_weight=0'], ('--l1_weight', 'above 0')),
    (['--batch_size=6', '--accumulate_steps=4'], ('--accumulate_steps', '--batch_size=6', 'found 4')),
    (['--learning_rate_schedule=cosine', '--steps=9', '--schedule_steps=8'], ('--steps', '=8', 'found 9')),
    (['--profile_steps=7'], ('--profile_steps', '100,110', "'7'")),
    (['--profile_steps=9,7'], ('--profile_steps', "'9,7'")),
])
def test_contradictions_are_refused(arguments, words):
    with pytest.raises(UsageError) as caught:
        settings(*arguments)
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_required_flag_is_asked_for():
    with pytest.raises(UsageError, match='--resume'):
        flags.required('resume', parsed())


def test_saved_flags_come_back(tmp_path):
    wanted = settings('--preset=small', '--learning_rate=3e-5', '--seed=4', '--run_name=mine')
    path = tmp_path / 'flags.txt'
    path.write_text(flags.flags_text(wanted))
    assert flags.settings_from_file(path) == wanted
    assert parsed(f'--flagfile={path}')['run_name'].value == 'mine'


def test_flags_that_were_saved_before_are_read_and_would_be_saved_as_they_were():
    found = flags.settings_of_run(SAVED)
    lines = flags.flags_text(found).splitlines(keepends=True)
    assert ''.join(line for line in lines if line.split('=')[0] not in NEWER) == SAVED.read_text()
    assert (found.train.profiled(), found.run.init_from, found.losses.vgg_weights) == ((2, 3), 'runs/other-0001', 'hed')


def test_a_resumed_run_keeps_its_flags_but_for_those_given(tmp_path):
    path = tmp_path / 'flags.txt'
    path.write_text(flags.flags_text(settings('--preset=small', '--steps=10', '--seed=4')))
    found = flags.settings_to_resume(path, parsed('--steps=20'))
    assert (found.model.preset, found.train.steps, found.train.seed) == ('small', 20, 4)


def test_a_run_of_before_keeps_the_registration_that_it_learned(tmp_path):
    path = tmp_path / 'flags.txt'
    path.write_text('--preset=small\n')
    assert flags.settings_of_run(path).model.architecture().registration == 'reference'
    assert flags.settings_to_resume(path, parsed('--steps=20')).model.registration == 'reference'
    with pytest.raises(UsageError, match='--registration.*expected reference.*found standard'):
        flags.settings_to_resume(path, parsed('--registration=standard'))
    path.write_text(flags.flags_text(settings('--preset=small')))
    assert flags.settings_of_run(path).model.architecture().registration == 'standard'


def test_a_resumed_run_may_find_its_weights_elsewhere(tmp_path):
    path = tmp_path / 'flags.txt'
    path.write_text('--vgg_weights=no/longer/there.h5\n')
    assert flags.settings_to_resume(path, parsed('--vgg_weights=hed')).losses.vgg_weights == 'hed'


@pytest.mark.parametrize('saved, given, words', [
    ('--warp=2d', '--warp=3d', '--warp.*expected 2d.*found 3d.*--init_from'),
    ('--seed=1', '--seed=2', '--seed: the run has another one'),
    ('--batch_size=4', '--batch_size=2', '--batch_size.*expected 4'),
    ('--l2_weight=0', '--l2_weight=1e-4', '--l2_weight'),
])
def test_a_resumed_run_keeps_what_decides_what_is_learned(tmp_path, saved, given, words):
    path = tmp_path / 'flags.txt'
    path.write_text(flags.flags_text(settings(saved)))
    with pytest.raises(UsageError, match=words):
        flags.settings_to_resume(path, parsed(given))


@pytest.mark.parametrize('begun, length', [
    (['--steps=10'], 10), (['--steps=10', '--schedule_steps=0'], 10), (['--steps=10', '--schedule_steps=30'], 30)])
def test_a_resumed_run_never_begins_its_cosine_anew(tmp_path, begun, length):
    path = tmp_path / 'flags.txt'
    path.write_text(flags.flags_text(settings('--learning_rate_schedule=cosine', *begun)))
    for steps in (5, 10, length):
        found = flags.settings_to_resume(path, parsed(f'--steps={steps}')).train
        assert (found.steps, found.schedule_steps, found.learning_rate_schedule) == (steps, length, 'cosine')
    assert flags.settings_to_resume(path, parsed()).train.schedule_steps == length
    with pytest.raises(UsageError, match=f'--steps: .*--schedule_steps={length}.*found {length + 1}.*--init_from'):
        flags.settings_to_resume(path, parsed(f'--steps={length + 1}'))
    with pytest.raises(UsageError, match=f'--schedule_steps: the run has another one; expected {length}'):
        flags.settings_to_resume(path, parsed('--steps=99', '--schedule_steps=99'))
    found = flags.settings_to_resume(path, parsed('--steps=99', '--learning_rate_schedule=constant')).train
    assert (found.steps, found.learning_rate_schedule) == (99, 'constant')


def test_a_resumed_run_may_change_what_does_not_decide_what_is_learned():
    assert {name for name, rule in RULES.items() if rule.changeable} == {
        'source_dir', 'data_dir', 'cache_mb', 'steps', 'learning_rate', 'learning_rate_schedule', 'precision',
        'accumulate_steps', 'max_bad_steps', 'deterministic', 'jit_compile', 'remat', 'log_every', 'image_every',
        'checkpoint_every', 'keep_checkpoints', 'validate_every', 'num_validation_pairs', 'profile_steps',
        'num_virtual_cpus', 'vgg_weights'}


def test_another_perceptual_loss_asks_for_no_vgg_weights():
    found = settings('--perceptual_loss=st_lpips', '--vgg_weights=none').losses
    assert (found.perceptual_loss, found.perceptual_weight, settings().losses.perceptual_loss) == ('st_lpips', 3, 'vgg')


def test_settings_are_made_without_flags():
    assert settings() == Settings()
    assert settings('--steps=3', '--warp=2d') == Settings().changed(steps=3, warp='2d')
    assert settings('--steps=3').train == TrainSettings(steps=3)
    with pytest.raises(TypeError, match='stepz'):
        Settings().changed(stepz=3)


@pytest.mark.parametrize('values, words', [
    ({'steps': 0}, '--steps: expected a number at least 1, found 0'),
    ({'learning_rate': float('nan')}, '--learning_rate: expected a number above 0, found nan'),
    ({'adam_beta1': 1}, '--adam_beta1: expected a number at least 0 and below 1, found 1'),
    ({'dataset': 'faces'}, "--dataset: expected one of people, fashion, iper, found 'faces'"),
])
def test_settings_refuse_what_their_flags_refuse(values, words):
    with pytest.raises(UsageError, match=words):
        Settings().changed(**values)


def test_every_setting_has_a_flag_with_its_default_and_its_help():
    values = parsed()
    for name, default in Settings().as_dict().items():
        assert values[name].default == default and RULES[name].help in values[name].help


@pytest.mark.parametrize('path', FLAG_FILES, ids=lambda path: path.name)
def test_flag_files_can_be_read(path):
    found = settings(f'--flagfile={path}')
    assert dataclasses.is_dataclass(found)
    option = 'settings' if path.name == 'ablation.flags' else 'flagfile'
    assert f'--{option}={path.name}' in path.read_text()  # its header says how it is used


def test_the_papers_runs_have_flag_files():
    assert {path.name for path in FLAG_FILES} >= {'fashion.flags', 'iper.flags', 'quickstart.flags'}
    for name in ('fashion', 'iper'):
        found = settings(f'--flagfile={ROOT / name}.flags')
        assert (found.data.dataset, found.losses) == (name, settings().losses)
        assert dataclasses.replace(found.train, num_virtual_cpus=0) == settings().train


def test_what_differs_from_the_papers_runs_is_named():
    # Whatever `reference` changes: flag files that leave it at its default are not the paper's in this.
    for name in ('fashion', 'iper'):
        header = [line for line in (ROOT / f'{name}.flags').read_text().splitlines() if line.startswith('#')]
        assert [key for key in REFERENCE_CONVENTIONS if key not in ' '.join(header)] == []
        assert '--conventions=reference' in ' '.join(header)
    table = (ROOT / 'docs/differences.md').read_text()
    assert [key for key in REFERENCE_CONVENTIONS if f'| `{key}` |' not in table] == []


@pytest.mark.parametrize('warp', ['2d', '3d'])
@pytest.mark.parametrize('pose', ['2d', '3d'])
def test_an_ablation_differs_from_the_papers_run_in_warp_and_pose_alone(warp, pose):
    found = settings(f'--flagfile={ROOT}/ablation_{warp}_warp_{pose}_pose.flags')
    full = settings(f'--flagfile={ROOT}/iper.flags')
    assert (found.model.warp, found.model.pose) == (warp, pose)
    assert dataclasses.replace(found, model=full.model, run=full.run) == full


def test_what_validates_is_not_trained_on():
    with pytest.raises(UsageError, match='--num_validation_pairs: expected 0 with --train_splits=train.validation'):
        settings('--train_splits=train+validation')
    assert settings('--train_splits=train+validation', '--num_validation_pairs=0').train.num_validation_pairs == 0
