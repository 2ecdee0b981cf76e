"""Drawn scenes that move: pan, zoom, rotation, objects before them, light that changes, cuts, and what stands still.

Beside each frame is where its pixels were in the frame before, with errors like those of a real estimate: off by a
part of a pixel, smooth in space, and wrong around objects. The ranges are chosen, not fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_deploy.pretrain.scenes import Floats

Matrix = npt.NDArray[np.float64]  # (3, 3): from pixels of a frame to those of a scene, (x, y, 1)

STILL = 0.2  # share of cameras that do not move
SLOWEST, FASTEST = 0.1, 10.0  # pixels a frame, of cameras and of objects
TURN, ZOOM = 1.0, 0.02  # standard deviations a frame: degrees and logarithm of the size; of objects thrice as much
TURNING = 0.4  # share that turns and zooms
UNEVEN = 0.15  # change of a speed from frame to frame, of the speed
FINE = 0.7  # logarithm of the largest scale: two scene pixels a pixel, so that frames are sharp after interpolation
MOST_OBJECTS = 3
THIN = 0.25  # share of objects that are lines of one to three pixels
LIT, LIGHT = 0.25, 0.06  # share of scenes and of objects whose light changes; logarithm a frame
BLINKING, BLINK = 0.2, 0.5  # share of these that blink; logarithm
CUT = 0.12  # share of sequences that end in another scene
UNMOVED = 0.2  # share of sequences whose previous result stays where it was
MOST_OFF = 0.7  # pixels that the motion is off by, at most
FAR_OFF, FARTHEST = 0.1, 4.0  # share of sequences, and pixels, where it is off by far
SPILLED, SPILL = 0.7, (1.0, 6.0)  # share of sequences, and pixels: objects' motion that reaches beyond them


class Clip(NamedTuple):
    """A drawn sequence.

    Shape:
        frames: (t, side, side, c), as the scenes
        motion: (t, side, side, 2), x and y in pixels from a pixel to where its content was a frame before, as estimated
    """

    frames: Floats
    motion: Floats


class _Layer(NamedTuple):
    scene: Floats  # (h, w, c)
    mask: Floats | None  # (h, w), None: everywhere
    path: list[Matrix]  # of each frame
    light: Floats  # (t,)


def clip(generator: np.random.Generator, scenes: Sequence[Floats], side: int, length: int) -> Clip:
    """A sequence of moving scenes.

    Args:
        scenes: to choose from, each (h, w, c), larger than the side
        side: of frames, pixels; length: frames
    """
    cut = int(generator.integers(1, length)) if generator.random() < CUT else length
    parts = [_shot(generator, scenes, side, count) for count in (cut, length - cut) if count]
    motion = np.concatenate([part.motion for part in parts])
    if generator.random() < UNMOVED:
        motion[:] = 0
    else:
        motion += _errors(generator, side, length)
    return Clip(np.concatenate([part.frames for part in parts]), motion)


def _shot(generator: np.random.Generator, scenes: Sequence[Floats], side: int, length: int) -> Clip:
    count = int(generator.integers(MOST_OBJECTS + 1))
    still = generator.random() < STILL
    layers = [_layer(generator, scenes, side, length, still, None)]
    for _ in range(count):
        follows = layers[0].path if still or generator.random() < 0.5 else None
        layers.append(_layer(generator, scenes, side, length, False, follows, of_object=True))
    spill = generator.uniform(*SPILL) if generator.random() < SPILLED else 0.0
    frames, motions = [], []
    for index in range(length):
        frame, motion = _composed(layers, side, index)
        frames.append(frame)
        motions.append(cv2.GaussianBlur(motion, (0, 0), spill) if spill and count else motion)
    return Clip(np.stack(frames), np.stack(motions).astype(np.float32))


def _layer(  # noqa: PLR0913
    generator: np.random.Generator,
    scenes: Sequence[Floats],
    side: int,
    length: int,
    still: bool,
    follows: list[Matrix] | None,
    of_object: bool = False,
) -> _Layer:
    scene = scenes[int(generator.integers(len(scenes)))]
    mask = _object(generator, scene.shape[:2]) if of_object else None
    path = _path(generator, scene.shape[0], side, length, still, 3.0 if of_object else 1.0)
    if follows:  # with the camera, and by itself
        path = [own @ np.linalg.inv(follows[0]) @ camera for own, camera in zip(path, follows, strict=True)]
    light = np.zeros(length)
    if generator.random() < LIT:
        light = np.cumsum(LIGHT * generator.standard_normal() * np.ones(length))
        if generator.random() < BLINKING:
            light = light + BLINK * generator.standard_normal() * generator.integers(0, 2, length)
    return _Layer(scene, mask, path, np.exp(light).astype(np.float32))


def _path(generator: np.random.Generator, room: int, side: int, length: int, still: bool, agile: float) -> list[Matrix]:
    """Similarities from pixels of a frame to those of a scene, for each frame; a still one does not change."""
    scale = np.exp(generator.uniform(0, FINE)) if generator.random() < 0.7 else 1.0
    angle = generator.uniform(0, 2 * np.pi) if generator.random() < 0.5 else 0.0
    centre = generator.uniform(0.3, 0.7, 2) * room
    speed = np.exp(generator.uniform(np.log(SLOWEST), np.log(FASTEST)))
    direction = generator.uniform(0, 2 * np.pi)
    velocity = speed * np.array([np.cos(direction), np.sin(direction)])
    turn = agile * np.radians(TURN) * generator.standard_normal()
    zoom = agile * ZOOM * generator.standard_normal()
    turning = generator.random() < TURNING
    if still:
        velocity, turning = np.zeros(2), False
        if generator.random() < 0.5:  # of a scene as it was drawn, without interpolation
            scale, angle, centre = 1.0, 0.0, centre.round()
    path = []
    for _ in range(length):
        cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
        turned = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
        turned[:2, 2] = centre - turned[:2, :2] @ np.full(2, side // 2)
        path.append(turned)
        centre = centre + scale * velocity
        velocity = velocity + UNEVEN * speed * generator.standard_normal(2) * (not still)
        if turning:
            angle, scale = angle + turn, scale * np.exp(zoom)
    return path


def _object(generator: np.random.Generator, size: tuple[int, int]) -> Floats:
    """The place of an object in its scene, 0 to 1."""
    mask = np.zeros((2 * size[0], 2 * size[1]), np.float32)
    middle = generator.uniform(0.35, 0.65, 2) * mask.shape
    reach = np.exp(generator.uniform(np.log(4), np.log(0.35 * mask.shape[0])))
    angle = generator.uniform(0, np.pi)
    if generator.random() < THIN:
        along = reach * np.array([np.cos(angle), np.sin(angle)])
        ends = [tuple(int(value) for value in middle + way * along) for way in (-1, 1)]
        cv2.line(mask, ends[0], ends[1], 1.0, int(generator.integers(2, 7)))
    elif generator.random() < 0.5:
        axes = int(reach), max(2, int(reach * generator.uniform(0.3, 1.0)))
        cv2.ellipse(mask, (int(middle[0]), int(middle[1])), axes, np.degrees(angle), 0, 360, 1.0, -1)
    else:
        directions = np.sort(generator.uniform(0, 2 * np.pi, generator.integers(3, 8)))
        corners = middle + (reach * generator.uniform(0.4, 1.2, len(directions)))[:, None] * np.stack(
            [np.cos(directions), np.sin(directions)], 1
        )
        cv2.fillPoly(mask, [corners.round().astype(np.int32)], 1.0)
    return np.asarray(cv2.resize(mask, size[::-1], interpolation=cv2.INTER_AREA), np.float32)


def _composed(layers: Sequence[_Layer], side: int, index: int) -> tuple[Floats, Floats]:
    """A frame, and where its pixels were in the one before; the first one's are where they are."""
    frame = motion = None
    for layer in layers:
        content = _seen(layer.scene, layer.path[index], side, cv2.INTER_CUBIC) * layer.light[index]
        moved = _displacement(layer.path[index], layer.path[max(0, index - 1)], side)
        if layer.mask is None or frame is None or motion is None:
            frame, motion = content, moved
            continue
        mask = _seen(layer.mask, layer.path[index], side, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
        frame = frame + mask * (content - frame)
        motion = np.where(mask > 0.5, moved, motion)
    assert frame is not None and motion is not None
    return frame, motion


def _seen(scene: Floats, path: Matrix, side: int, interpolation: int, border: int = cv2.BORDER_REFLECT_101) -> Floats:
    """What a frame shows of a scene, (side, side, c)."""
    flags = interpolation | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(scene, path[:2], (side, side), flags=flags, borderMode=border)
    return np.asarray(seen.reshape(side, side, -1), np.float32)


def _displacement(now: Matrix, before: Matrix, side: int) -> Floats:
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    change = (np.linalg.inv(before) @ now - np.eye(3)).astype(np.float32)
    return np.stack([change[axis, 0] * columns + change[axis, 1] * rows + change[axis, 2] for axis in (0, 1)], axis=2)


def _errors(generator: np.random.Generator, side: int, length: int) -> Floats:
    """Offsets of a motion that is estimated, smooth in space, (t, side, side, 2)."""
    most = FARTHEST if generator.random() < FAR_OFF else MOST_OFF
    strength = most * generator.random() / 2  # two standard deviations are the most
    knots = int(generator.integers(3, 16))
    drawn = generator.standard_normal((length, knots, knots, 2)).astype(np.float32)
    return np.stack([strength * cv2.resize(one, (side, side), interpolation=cv2.INTER_CUBIC) for one in drawn])
