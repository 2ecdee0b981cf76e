// Frames that follow each other through a model for videos, by onnxruntime-web's WebAssembly under node:
// node onnx_web.mjs MODEL FRAMES RESULTS COUNT CHANNELS HEIGHT WIDTH, where FRAMES and RESULTS are raw float32.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(process.cwd() + "/"));
const ort = require("onnxruntime-web");
const [model, source, target, ...sizes] = process.argv.slice(2);
const [count, ...shape] = sizes.map(Number);
const samples = shape.reduce((product, length) => product * length, 1);

ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(readFileSync(model), { executionProviders: ["wasm"] });
const bytes = readFileSync(source);
const frames = new Float32Array(bytes.buffer, bytes.byteOffset, count * samples);
const results = new Float32Array(count * samples);
let previous;
for (let i = 0; i < count; i++) {
  const noisy = new ort.Tensor("float32", frames.slice(i * samples, (i + 1) * samples), [1, ...shape]);
  ({ denoised: previous } = await session.run({ noisy, previous: previous ?? noisy }));
  results.set(previous.data, i * samples);
}
writeFileSync(target, new Uint8Array(results.buffer));
