// Pictures and the camera in; what the worker makes of them beside what came.
import { readNpy, writeNpy } from "./npy.js";

const CAMERA = { video: { width: { ideal: 640 }, height: { ideal: 480 } } }; // what one core can follow
const find = (id) => document.getElementById(id);
const worker = new Worker("denoiser.js", { type: "module" });
const waiting = new Map(); // calls of the worker that have no answer yet
let calls = 0;
let facts; // of the bundle, from the worker
let shown; // the picture on the page: { denoised, step, width, height, name }
let camera = null; // the open stream

worker.onmessage = ({ data: { call, progress, error, result } }) => {
  if (progress !== undefined) {
    find("progress").value = progress;
    return;
  }
  const { resolve, reject } = waiting.get(call);
  waiting.delete(call);
  if (error === undefined) resolve(result);
  else reject(new Error(error));
};
worker.onerror = () => show("error", "the denoiser does not start; copy the whole folder again, or update the browser");

function ask(action, given = {}) {
  return new Promise((resolve, reject) => {
    waiting.set(++calls, { resolve, reject });
    worker.postMessage({ call: calls, action, ...given });
  });
}

function show(id, text) {
  find(id).textContent = text;
  find(id).hidden = !text;
}

/** Run something, and show its error instead of losing it. */
async function trying(work) {
  show("error", "");
  try {
    await work();
  } catch (error) {
    show("error", error.message);
  }
}

async function start() {
  show("status", "Loading the models, and checking them by their self-tests.");
  facts = await ask("open");
  const { dtype, channels, range } = facts.sensor;
  const said = facts.checks.map(({ model, difference }) => `${model} differs by ${difference.toExponential(1)}`);
  const passed = facts.checks.every((check) => check.passed);
  Object.assign(find("status").dataset, { passed, checks: JSON.stringify(facts.checks) });
  show("status", `Self-test ${passed ? "passed" : "failed"}: ${said.join(", ")} of the range in use (at most 1e-4).`);
  if (!passed) throw new Error("this browser does not give the bundle's pixels; try another one");
  const kind = `${channels === 1 ? "grey" : "colour"} frames of ${dtype}, ${range.join(" to ")}`;
  show("sensor", `For ${kind}. Pictures stay on this computer: nothing is sent anywhere.`);
  find("camera").hidden = dtype !== "uint8";
  find("file").accept = dtype === "uint8" ? "image/*,.npy" : ".npy";
  find("controls").disabled = false;
}

/** The samples of a file: of 8-bit pictures RGBA, of .npy as they are. */
async function read(file) {
  const { dtype, channels } = facts.sensor;
  if (file.name.endsWith(".npy")) {
    const { samples, shape } = readNpy(await file.arrayBuffer());
    const [height, width, step = 1] = shape;
    const type = samples.constructor.name.replace("Array", "").toLowerCase();
    if (type !== dtype || shape.length > 3 || shape.length < 2 || step !== channels) {
      const wanted = channels === 1 ? "(h, w)" : "(h, w, 3)";
      throw new Error(`${file.name}: expected ${dtype} of shape ${wanted}, but got ${type} of (${shape.join(", ")})`);
    }
    return { samples, step, width, height, shape };
  }
  if (dtype !== "uint8") {
    throw new Error(`${file.name}: expected a .npy file of ${dtype}: browsers read pictures in 8 bits`);
  }
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error(
      `${file.name}: expected a picture that this browser can show, but it cannot, or not one so large; ` +
        `save it as PNG or JPEG, or in parts`,
    );
  }
  const frame = grab(bitmap, bitmap.width, bitmap.height);
  if (channels === 1 && frame.samples.some((value, at) => at % 4 === 0 && differs(frame.samples, at))) {
    throw new Error(`${file.name}: expected a grey picture, as the bundle's frames, but got a colour one; convert it`);
  }
  return frame;
}

function differs(samples, at) {
  return samples[at] !== samples[at + 1] || samples[at] !== samples[at + 2];
}

/** The pixels of a bitmap or video. */
function grab(source, width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0);
  return { samples: context.getImageData(0, 0, width, height).data, step: 4, width, height };
}

/** Red, green and blue as grey, where the sensor is grey; weights of ITU-R BT.601, as cameras use them. */
function asSensor(frame) {
  if (facts.sensor.channels === 1) {
    const { samples } = frame;
    for (let at = 0; at < samples.length; at += 4) {
      samples.fill(0.299 * samples[at] + 0.587 * samples[at + 1] + 0.114 * samples[at + 2], at, at + 3);
    }
  }
  return frame;
}

function draw(id, samples, { step, width, height }) {
  const canvas = find(id);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = step === 4 ? new ImageData(samples, width, height) : visible(samples, step, width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Samples of any type as a picture: black and white are the values in use of the training frames. */
function visible(samples, step, width, height) {
  const { offset, scale } = facts.normalisation;
  const image = new ImageData(width, height);
  for (let at = 0; at < image.data.length; at++) {
    const channel = at % 4;
    const value = samples[(at >> 2) * step + Math.min(channel, step - 1)];
    image.data[at] = channel === 3 ? 255 : (255 * (value - offset)) / scale;
  }
  return image;
}

function present(frame, denoised, name, note = "") {
  draw("noisy", frame.samples, frame);
  draw("denoised", denoised, frame);
  shown = { ...frame, denoised, name };
  find("stack").hidden = find("caption").hidden = false;
  find("compare").classList.remove("empty");
  find("hint").hidden = true;
  find("save").disabled = false;
  show("size", `${frame.width} × ${frame.height}${note}`);
}

function openFile(file) {
  return trying(async () => {
    closeCamera();
    const frame = await read(file);
    find("controls").disabled = true;
    find("progress").hidden = false;
    try {
      present(frame, await ask("denoise", frame), file.name.replace(/\.\w+$/, ""));
    } finally {
      find("progress").hidden = true;
      find("controls").disabled = false;
    }
  });
}

async function openCamera() {
  if (!navigator.mediaDevices) throw new Error("browsers open cameras for https and for 127.0.0.1 only");
  const stream = await navigator.mediaDevices.getUserMedia(CAMERA);
  camera = stream;
  find("camera").textContent = "Close the camera";
  find("camera").ariaPressed = "true";
  try {
    await follow(stream);
  } finally {
    stop(stream); // another one may be the open one, of a second click while the browser asked for permission
    if (camera === stream) closeCamera();
  }
}

/** Denoise what a stream shows until it is no longer the open one; frames that come meanwhile are left out. */
async function follow(stream) {
  const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
  await video.play();
  for (let last = performance.now(); ; ) {
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    const frame = asSensor(grab(video, video.videoWidth, video.videoHeight));
    const denoised = await ask("next", frame);
    if (camera !== stream) return;
    const now = performance.now();
    present(frame, denoised, "camera", `, ${(1000 / (now - last)).toFixed(1)} frames a second`);
    last = now;
  }
}

function stop(stream) {
  stream.getTracks().forEach((track) => track.stop());
}

function closeCamera() {
  if (camera) stop(camera);
  camera = null;
  find("camera").textContent = "Open the camera";
  find("camera").ariaPressed = "false";
}

async function save() {
  const { denoised, shape, name } = shown;
  const blob = shape
    ? writeNpy(denoised, shape)
    : await new Promise((resolve) => find("denoised").toBlob(resolve, "image/png"));
  const link = Object.assign(document.createElement("a"), {
    href: URL.createObjectURL(blob),
    download: `${name}_denoised.${shape ? "npy" : "png"}`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

find("file").onchange = ({ target }) => {
  if (target.files.length) openFile(target.files[0]);
  target.value = ""; // the same file may be chosen again
};
find("camera").onclick = () => (camera ? closeCamera() : trying(openCamera));
find("save").onclick = () => trying(save);
find("fit").onchange = ({ target }) => find("stack").classList.toggle("whole", !target.checked);
find("split").oninput = ({ target }) => find("stack").style.setProperty("--split", `${target.value}%`);
document.ondragover = (event) => event.preventDefault();
document.ondrop = (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file && !find("controls").disabled) openFile(file);
};
trying(start);
