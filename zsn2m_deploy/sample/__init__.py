"""A synthetic noisy frame and its clean twin, for trying the tool with nothing else at hand."""

from zsn2m_deploy.sample.config import SampleConfig
from zsn2m_deploy.sample.noise import sample_frames
from zsn2m_deploy.sample.scene import clean_scene
from zsn2m_deploy.sample.write import write_sample

__all__ = ["SampleConfig", "clean_scene", "sample_frames", "write_sample"]
