// The models of the bundle beside this file, run by onnxruntime-web. A worker: the page answers while it computes.
// It is sent { call, action, ...given } and answers { call, result } or { call, error }, before it { call, progress }.
// What the files hold: docs/bundle.md of zsn2m-deploy.
import * as ort from "./onnxruntime-web/ort.wasm.bundle.min.mjs";
import { readNpy } from "./npy.js";

const BUNDLE = "model.zsn2m/";
const TOLERANCE = 1e-4; // of the normalisation's scale: the self-test of fp32
const STRIP_PIXELS = 2 ** 19; // kept of a strip, so that memory does not grow with the frame
const SMALLEST_STRIP = 4; // halos of kept rows
const OPTIONS = { executionProviders: ["wasm"], logSeverityLevel: 3 }; // it would say that strength has a default

let sensor;
let frames; // the model for single frames
let videos; // the model for videos; the other one where the bundle has none

const actions = { open, denoise, next };

onmessage = async ({ data: { call, action, ...given } }) => {
  try {
    postMessage({ call, result: await actions[action](given, (progress) => postMessage({ call, progress })) });
  } catch (error) {
    postMessage({ call, error: error.message ?? String(error) });
  }
};

/** Load the models and run their self-tests. */
async function open() {
  const manifest = await manifestOf(await fetched("manifest.json"));
  sensor = manifest.sensor;
  const load = async (entry) => ({ entry, session: await sessionOf(await bytesOf(entry.files.onnx)) });
  const fast = manifest.models.find((entry) => entry.strength);
  frames = await load(manifest.models.find((entry) => entry.id === manifest.default));
  videos = !fast || fast.id === manifest.default ? frames : await load(fast);
  const checks = [];
  for (const model of new Set([frames, videos])) {
    const given = model.entry.self_test_input ?? manifest.self_test_input;
    const difference = (await selfTest(model, given)) / manifest.normalisation.scale;
    checks.push({ model: model.entry.id, difference, passed: difference <= TOLERANCE });
  }
  return { sensor, normalisation: manifest.normalisation, checks };
}

/** The largest difference to what the bundle says that comes out; NaN counts as infinite. */
async function selfTest(model, record) {
  const given = readNpy(await bytesOf(record));
  const expected = readNpy(await bytesOf(model.entry.self_test));
  const [, , height, width] = given.shape;
  let largest = 0;
  (await run(model, given.samples, height, width)).forEach((value, at) => {
    const difference = Math.abs(value - expected.samples[at]);
    largest = difference <= largest ? largest : Number.isNaN(difference) ? Infinity : difference;
  });
  return largest;
}

/** A single frame: { samples, step, width, height } with `step` samples a pixel, of which the first are denoised. */
async function denoise(frame, tell) {
  return denoised(frames, frame, tell);
}

/** A frame of a camera, by itself, by the faster model. */
async function next(frame, tell) {
  return denoised(videos, frame, tell);
}

async function denoised(model, { samples, step, width, height }, tell) {
  const results = samples.slice();
  const strips = planStrips(model.entry, width, height);
  for (const [number, strip] of strips.entries()) {
    tell(number / strips.length);
    const rows = samples.subarray(strip.read * width * step, strip.readEnd * width * step);
    const noisy = planesOf(rows, step);
    const planes = await run(model, noisy, strip.readEnd - strip.read, width);
    const kept = (strip.end - strip.start) * width;
    fill(results.subarray(strip.start * width * step), step, planes, (strip.start - strip.read) * width, kept);
  }
  return results;
}

/** One run of a model on planes (1, channels, height, width) in sensor units; onnxruntime-web takes no `strength`. */
async function run({ entry, session }, noisy, height, width) {
  const feeds = { [entry.input]: new ort.Tensor("float32", noisy, [1, sensor.channels, height, width]) };
  return (await session.run(feeds))[entry.output].data;
}

/** Rows to read and rows to keep of each strip; the result is that of the whole frame. */
function planStrips({ stride, receptive_radius: radius }, width, height) {
  const halo = Math.ceil(radius / stride) * stride;
  const count = Math.max(1, Math.ceil((height * width) / STRIP_PIXELS));
  const rows = Math.max(stride, SMALLEST_STRIP * halo, Math.ceil(height / (count * stride)) * stride);
  return Array.from({ length: Math.ceil(height / rows) }, (_, number) => {
    const start = number * rows;
    const end = Math.min(height, start + rows);
    return { read: Math.max(0, start - halo), readEnd: Math.min(height, end + halo), start, end };
  });
}

/** float32 (channels, pixels) of samples of which each pixel has `step`. */
function planesOf(samples, step) {
  const pixels = samples.length / step;
  const planes = new Float32Array(sensor.channels * pixels);
  for (let channel = 0; channel < sensor.channels; channel++) {
    for (let at = 0; at < pixels; at++) planes[channel * pixels + at] = samples[at * step + channel];
  }
  return planes;
}

/** Put `count` pixels of planes from pixel `from` on into samples; grey goes to red, green and blue. */
function fill(samples, step, planes, from, count) {
  const pixels = planes.length / sensor.channels;
  const whole = !sensor.dtype.startsWith("float");
  for (let channel = 0; channel < Math.min(step, 3); channel++) {
    const start = Math.min(channel, sensor.channels - 1) * pixels + from;
    for (let at = 0; at < count; at++) {
      const value = planes[start + at];
      samples[at * step + channel] = whole ? halfToEven(value) : value;
    }
  }
}

function halfToEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

async function manifestOf(content) {
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch (error) {
    throw new Error(`${BUNDLE}manifest.json: expected JSON, but ${error.message}; copy the whole folder again`);
  }
}

async function sessionOf(model) {
  try {
    return await ort.InferenceSession.create(model, OPTIONS);
  } catch (error) {
    throw new Error(`onnxruntime-web does not start (${error.message}); copy the whole folder again, or update the browser`);
  }
}

/** The bytes of a file, if they are those that the manifest names. */
async function bytesOf({ name, bytes, sha256 }) {
  const content = await fetched(name);
  // Browsers hash on https and localhost alone.
  const digest = self.crypto.subtle && new Uint8Array(await self.crypto.subtle.digest("SHA-256", content));
  const found = digest && Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (content.byteLength !== bytes || (found && found !== sha256)) {
    throw new Error(`${BUNDLE}${name}: expected what the manifest names, but got other bytes; copy the whole folder again`);
  }
  return content;
}

async function fetched(name) {
  try {
    const answer = await fetch(BUNDLE + name);
    if (answer.ok) return await answer.arrayBuffer();
    throw new Error(`the server answers ${answer.status}`);
  } catch (error) {
    throw new Error(`${BUNDLE}${name}: expected a file, but ${error.message}; copy the whole folder again`);
  }
}
