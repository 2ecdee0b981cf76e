// Arrays in NumPy's .npy files: of whole numbers up to 32 bits and of floats, in C order.

const TYPES = {
  u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, u4: Uint32Array, i4: Int32Array,
  f4: Float32Array, f8: Float64Array,
};
const MAGIC = "\x93NUMPY";

/** The samples and the shape in the bytes of a .npy file. */
export function readNpy(bytes) {
  const head = String.fromCharCode(...new Uint8Array(bytes.slice(0, 2 ** 12)));
  const found = head.match(/^\x93NUMPY[^]{4,6}\{'descr': '[<|](..)', 'fortran_order': False, 'shape': \(([\d, ]+)\)/);
  if (!found || !(found[1] in TYPES)) {
    throw new Error("expected a .npy file of numbers up to 32 bits or floats, little-endian and in C order");
  }
  const shape = found[2].split(",").filter((length) => length.trim()).map(Number);
  const start = head.indexOf("\n") + 1;
  const count = shape.reduce((product, length) => product * length, 1);
  return { samples: new TYPES[found[1]](bytes.slice(start), 0, count), shape };
}

/** The bytes of a .npy file. */
export function writeNpy(samples, shape) {
  const type = Object.keys(TYPES).find((name) => samples instanceof TYPES[name]);
  const order = samples.BYTES_PER_ELEMENT === 1 ? "|" : "<";
  const facts = `{'descr': '${order}${type}', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const text = `${facts.padEnd(64 * Math.ceil((facts.length + 11) / 64) - 11)}\n`; // 10 bytes before: data is aligned
  const head = Uint8Array.from(`${MAGIC}\x01\x00${String.fromCharCode(text.length, 0)}${text}`, (one) => one.charCodeAt());
  return new Blob([head, samples]);
}
