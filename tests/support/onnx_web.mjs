// Frames through a model, by a runtime of JavaScript under node:
// node onnx_web.mjs PACKAGE MODEL FRAMES RESULTS COUNT CHANNELS HEIGHT WIDTH, where FRAMES and RESULTS are raw float32
// and PACKAGE is the folder of onnxruntime-web (its WebAssembly) or onnxruntime-node.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";

const [library, model, source, target, ...sizes] = process.argv.slice(2);
const ort = createRequire(library)(basename(library)); // by its name: Node's own files of the package
const [count, ...shape] = sizes.map(Number);
const samples = shape.reduce((product, length) => product * length, 1);

const web = basename(library) === "onnxruntime-web";
if (web) ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(readFileSync(model), { executionProviders: [web ? "wasm" : "cpu"] });
const bytes = readFileSync(source);
const frames = new Float32Array(bytes.buffer, bytes.byteOffset, count * samples);
const results = new Float32Array(count * samples);
for (let i = 0; i < count; i++) {
  const noisy = new ort.Tensor("float32", frames.slice(i * samples, (i + 1) * samples), [1, ...shape]);
  results.set((await session.run({ noisy })).denoised.data, i * samples);
}
writeFileSync(target, new Uint8Array(results.buffer));
