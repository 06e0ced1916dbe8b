import dataclasses

import numpy as np
import pytest

from musclelib import simulator
from musclelib.simulator.cross_section import (
    Label,
    TissueParameters,
    effects_off,
    sample_tissue,
    tissue_motion,
)
from musclelib.simulator.cross_section.tissue_motion import dipole


def move(parameters, pool):
    tissue = sample_tissue(parameters, pool, 0, 0)
    return tissue, tissue_motion(tissue, pool, parameters)


@pytest.mark.parametrize("preset", ["paper1", "paper2"])
def test_with_all_effects_off_it_is_the_simulator_of_the_papers(preset):
    parameters = simulator.preset(preset)
    made = simulator.simulate(parameters, 1, 2)
    still = effects_off(
        pixels=parameters.pixels, rate=parameters.frame_rate, duration=parameters.duration
    )
    tissue = sample_tissue(still, made.pool, 1, 2)
    found = tissue_motion(tissue, made.pool, still).velocity()
    np.testing.assert_array_equal(tissue.territory, made.territory)
    assert found.shape == made.velocity.shape
    assert np.linalg.norm(found - made.velocity) < 1e-5 * np.linalg.norm(made.velocity)


@pytest.mark.parametrize("speed", [1.08, 1.35, 1.62])
@pytest.mark.parametrize("viscosity", [0.0, 1.0])
def test_shear_front_travels_at_the_speed_set(one_twitch, speed, viscosity):
    parameters = effects_off(coupling=1.0, shear_speed=speed, viscosity=viscosity, duration=0.3)
    _, motion = move(parameters, one_twitch)
    column = motion.velocity()[:, :, 64]
    # outside the territory, along its axis
    below = np.flatnonzero((motion.depth > 24) & (motion.depth < 36))
    fine = np.arange(0, 600, 0.1)
    peak = [fine[np.interp(fine, np.arange(600), column[:, row]).argmax()] / 2000 for row in below]
    slope = np.polyfit(peak, motion.depth[below], 1)[0] * 1e-3  # [m/s]
    assert slope == pytest.approx(speed, rel=0.05)


def test_dipole_is_incompressible_and_agrees_with_the_disc_at_its_rim():
    z, x = np.meshgrid(np.linspace(-20, 20, 801), np.linspace(-20, 20, 801), indexing="ij")
    axial, lateral = dipole(z, x, 3.0)
    divergence = np.gradient(axial, 0.05, axis=0) + np.gradient(lateral, 0.05, axis=1)
    shear = np.abs(np.gradient(axial, 0.05, axis=1))
    outside = np.hypot(z, x) > 3.2
    assert np.abs(divergence[outside]).max() < 1e-2 * shear[outside].max()
    angle = np.linspace(0, 2 * np.pi, 50)
    axial, lateral = dipole(3 * np.cos(angle), 3 * np.sin(angle), 3.0)
    np.testing.assert_allclose(
        axial * np.cos(angle) + lateral * np.sin(angle), np.cos(angle), atol=1e-12
    )


def test_coupling_moves_the_surroundings_and_leaves_the_territory(one_twitch):
    tissue, alone = move(effects_off(duration=0.3), one_twitch)
    _, coupled = move(effects_off(duration=0.3, coupling=0.5), one_twitch)
    inside, plain, found = tissue.territory[0], alone.velocity(), coupled.velocity()
    np.testing.assert_allclose(found[:, inside], plain[:, inside], atol=1e-5)
    assert not plain[:, ~inside].any()
    assert found[:, ~inside].std() > 0.01 * plain[:, inside].std()


def test_viscosity_spreads_the_wave_with_distance(one_twitch):
    _, sharp = move(effects_off(duration=0.3, coupling=1.0), one_twitch)
    _, soft = move(effects_off(duration=0.3, coupling=1.0, viscosity=10.0), one_twitch)
    ratio = np.ptp(soft.velocity()[:, :, 64], axis=0) / np.ptp(sharp.velocity()[:, :, 64], axis=0)
    near, far = (np.argmin(np.abs(sharp.depth - depth)) for depth in (23, 38))
    assert ratio[128] == pytest.approx(1, abs=1e-4)
    assert ratio[far] < ratio[near] < 1


def test_bone_does_not_move_and_fat_moves_less(pool):
    tissue, motion = move(TissueParameters(), pool)
    gain = np.abs(motion.gain).max(axis=0)
    assert not gain[tissue.label == Label.BONE].any()
    assert gain[tissue.label == Label.FAT].max() <= 0.3 + 1e-6


def test_vessel_pulsates_at_its_rate_and_only_when_on(pool):
    quiet = dataclasses.replace(pool, firing_time=np.full_like(pool.firing_time, np.nan))
    tissue, motion = move(
        effects_off(pulsation=(20.0, 20.0), pulse_rate=(1.2, 1.2), duration=5.0), quiet
    )
    power = np.abs(np.fft.rfft(motion.displacement()[:, ::8, ::8], axis=0)) ** 2
    peak = np.fft.rfftfreq(10000, 1 / 2000)[1:][power[1:].sum(axis=(1, 2)).argmax()]
    assert peak == pytest.approx(1.2)
    assert np.ptp(motion.signal[-1]) == pytest.approx(20, rel=1e-3)
    assert tissue.pulsation == 20
    assert not move(effects_off(duration=1.0), quiet)[1].velocity().any()


def test_vessel_widens_on_both_sides(pool):
    tissue, motion = move(effects_off(pulsation=(20.0, 20.0)), pool)
    above = motion.depth < tissue.vessel[0]
    assert np.all(motion.gain[-1][above] >= 0)
    assert np.all(motion.gain[-1][~above] <= 0)


def test_compression_is_slow_and_common(pool):
    _, plain = move(effects_off(), pool)
    _, pressed = move(effects_off(compression=0.1), pool)
    added = (pressed.velocity() - plain.velocity())[:, ::8, ::8].reshape(4000, -1)
    power = (
        np.abs(np.fft.rfft((added - added.mean(axis=0)) * np.hanning(4000)[:, None], axis=0)) ** 2
    ).sum(axis=1)
    frequency = np.fft.rfftfreq(4000, 1 / 2000)
    assert power[frequency < 4].sum() > 0.95 * power.sum()
    assert np.linalg.matrix_rank(added, tol=1e-3 * np.linalg.norm(added)) == 1


def test_fascicles_that_slip_wholly_are_rigid(one_twitch):
    tissue, motion = move(
        effects_off(fascicle_size=1.4, wall_contrast=0.0, fascicle_cv=0.0, slip=1.0), one_twitch
    )
    for cell in np.unique(tissue.fascicle)[::20]:
        assert np.ptp(motion.gain[0][tissue.fascicle == cell]) < 1e-6


def test_waves_under_way_in_the_first_frame(pool):
    """A sequence begins as if it were cut from a longer one that began earlier."""
    parameters = effects_off(coupling=1.0, pixels=(40, 40), duration=0.5)
    _, early = move(parameters, pool)
    shifted = dataclasses.replace(pool, firing_time=pool.firing_time + 0.1)
    _, late = move(effects_off(coupling=1.0, pixels=(40, 40), duration=0.6), shifted)
    np.testing.assert_allclose(late.velocity(200), early.velocity(), atol=1e-4)


def test_no_units_no_motion():
    none = simulator.sample_pool(simulator.preset("paper1", units=(0, 0)), 0, 0)
    tissue, motion = move(TissueParameters(pulsation=(0.0, 0.0), duration=0.1), none)
    assert tissue.territory.shape == (0, 256, 128)
    assert motion.gain.shape == (0, 256, 128)
    assert not motion.displacement().any()


def test_tissue_of_another_pool(pool, one_twitch):
    tissue = sample_tissue(effects_off(), one_twitch, 0, 0)
    with pytest.raises(ValueError, match="tissue of 1 units"):
        tissue_motion(tissue, pool, effects_off())
