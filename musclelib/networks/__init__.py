"""Network architectures: tensors in, tensors out.

Networks know neither stores nor training. Clips are `(batch, 1, time, depth, lateral)`,
standardised velocities [SD].

Translation
    `Generator`, CycleGAN's ResNet for clips or frames; `LightGenerator`, a U-Net that is factorised
    into space and time; `Discriminator`, CycleGAN's PatchGAN; `ClipDiscriminator` and
    `MapDiscriminator` of the one-sided translation; `Predictor` of Recycle-GAN's next frame;
    `TimeFilter`, which corrects a translation's spectrum.
Identification
    `Detector`, paper 2's Mask R-CNN with `SlowFusion`; `TwitchNetwork`, paper 2's estimate of a
    twitch train; `TerritoryReader` for the maps of separated components; `FiringDetector` for the
    firings in a twitch train.
Muscle state
    `StateCnn`, paper 3's estimate of the change of EMG, torque and angle from two B-mode frames;
    `FeatureNetwork`, the same from the motion of features; `StateEstimator`, of states and changes
    from the course of features.
Files
    `weights` saves a network with its parameters in one file, and loads it again.

Examples
--------
>>> import torch
>>> from musclelib.networks import LightGenerator, LightGeneratorParameters
>>> generator = LightGenerator(LightGeneratorParameters(features=4))
>>> clips = torch.zeros(2, 1, 8, 32, 32)
>>> generator(clips).shape
torch.Size([2, 1, 8, 32, 32])
"""

from musclelib.networks import weights
from musclelib.networks.feature_network import FeatureNetwork, FeatureNetworkParameters
from musclelib.networks.firing_detector import FiringDetector, FiringParameters
from musclelib.networks.light_discriminators import ClipDiscriminator, MapDiscriminator
from musclelib.networks.light_generator import LightGenerator, LightGeneratorParameters
from musclelib.networks.mask_rcnn import DETECTORS, Detector, DetectorParameters
from musclelib.networks.patch_discriminator import Discriminator, DiscriminatorParameters
from musclelib.networks.resnet_generator import Generator, GeneratorParameters
from musclelib.networks.slow_fusion import SlowFusion
from musclelib.networks.state_cnn import StateCnn, StateCnnParameters
from musclelib.networks.state_estimator import StateEstimator, StateEstimatorParameters
from musclelib.networks.territory_reader import ReaderParameters, TerritoryReader
from musclelib.networks.time_filter import TimeFilter
from musclelib.networks.twitch import TWITCH_NETWORKS, TwitchNetwork, TwitchParameters
from musclelib.networks.unet_predictor import Predictor

__all__ = [
    "DETECTORS",
    "TWITCH_NETWORKS",
    "ClipDiscriminator",
    "Detector",
    "DetectorParameters",
    "Discriminator",
    "DiscriminatorParameters",
    "FeatureNetwork",
    "FeatureNetworkParameters",
    "FiringDetector",
    "FiringParameters",
    "Generator",
    "GeneratorParameters",
    "LightGenerator",
    "LightGeneratorParameters",
    "MapDiscriminator",
    "Predictor",
    "ReaderParameters",
    "SlowFusion",
    "StateCnn",
    "StateCnnParameters",
    "StateEstimator",
    "StateEstimatorParameters",
    "TerritoryReader",
    "TimeFilter",
    "TwitchNetwork",
    "TwitchParameters",
    "weights",
]
