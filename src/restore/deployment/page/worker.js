"use strict";
// Restores a picture tile by tile. A tile is read with what its pixels depend on, so that no seam is left, and
// aligned to the network's grid; at the picture's border it ends where the picture does.

const STUDIO = [65.481 / 255, 128.553 / 255, 24.966 / 255]; // of R, G, B in Y of BT.601
let ort, session, card;

onmessage = async ({ data }) => {
  try {
    if (data.what === "load") await load(data);
    else await restore(data);
  } catch (error) {
    postMessage({ what: "failed", message: String((error && error.message) || error) });
  }
};

async function load({ runtime, wasm, network, facts }) {
  card = facts;
  const unpacked = new Blob([wasm]).stream().pipeThrough(new DecompressionStream("gzip"));
  const address = URL.createObjectURL(new Blob([runtime], { type: "text/javascript" }));
  ort = await import(address);
  URL.revokeObjectURL(address);
  ort.env.wasm.wasmBinary = await new Response(unpacked).arrayBuffer();
  ort.env.wasm.numThreads = 1; // more need headers of a server
  session = await ort.InferenceSession.create(network, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
  postMessage({ what: "loaded" });
}

// Keys' cubic kernel, a = -0.5, as MATLAB's imresize enlarges: four pixels of an axis, the border mirrored.
function cubic(x) {
  x = Math.abs(x);
  return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

function taps(start, end, size, scale) {
  const list = [];
  for (let place = start; place < end; place++) {
    const centre = (place + 0.5) / scale - 0.5;
    const first = Math.floor(centre) - 1;
    const tap = { places: [], weights: [] };
    for (let k = 0; k < 4; k++) {
      let at = (((first + k) % (2 * size)) + 2 * size) % (2 * size);
      tap.places.push(at < size ? at : 2 * size - 1 - at);
      tap.weights.push(cubic(centre - first - k));
    }
    list.push(tap);
  }
  return list;
}

// Planes of a box of the enlarged picture, alpha last, in [0, 1]; scale 1 reads the pixels as they are.
function read({ pixels, width, height, scale }, box) {
  const rows = box.bottom - box.top, columns = box.right - box.left;
  const planes = [0, 1, 2, 3].map(() => new Float32Array(rows * columns));
  if (scale === 1) {
    for (let y = 0, i = 0; y < rows; y++)
      for (let x = 0, j = ((y + box.top) * width + box.left) * 4; x < columns; x++, i++, j += 4)
        for (let c = 0; c < 4; c++) planes[c][i] = pixels[j + c] / 255;
    return planes;
  }
  const down = taps(box.top, box.bottom, height, scale), across = taps(box.left, box.right, width, scale);
  for (let y = 0, i = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, i++)
      for (let c = 0; c < 4; c++) {
        let sum = 0;
        for (let a = 0; a < 4; a++)
          for (let b = 0; b < 4; b++)
            sum += down[y].weights[a] * across[x].weights[b] * pixels[(down[y].places[a] * width + across[x].places[b]) * 4 + c];
        planes[c][i] = sum / 255;
      }
  return planes;
}

function surrounded(core, width, height) {
  const [margin, grid] = card.reach;
  const before = (at) => Math.max(0, Math.floor((at - margin) / grid) * grid);
  const behind = (at, size) => Math.min(size, Math.ceil((at + margin) / grid) * grid);
  return { top: before(core.top), left: before(core.left), bottom: behind(core.bottom, height), right: behind(core.right, width) };
}

async function run(planes, count, rows, columns, values) {
  const feeds = { image: new ort.Tensor("float32", planes, [count, card.channels, rows, columns]) };
  for (const [name, value] of Object.entries(values)) feeds[name] = new ort.Tensor("float32", new Float32Array(count).fill(value), [count]);
  const { restored } = await session.run(feeds);
  return restored.data;
}

async function restore(job) {
  const width = job.width * job.scale, height = job.height * job.scale;
  const down = Math.ceil(height / job.side), over = Math.ceil(width / job.side);
  for (let row = 0; row < down; row++)
    for (let column = 0; column < over; column++) {
      const core = {
        top: Math.floor((height * row) / down), bottom: Math.floor((height * (row + 1)) / down),
        left: Math.floor((width * column) / over), right: Math.floor((width * (column + 1)) / over),
      };
      const tile = await restoreTile(job, core, surrounded(core, width, height));
      const done = (row * over + column + 1) / (down * over);
      postMessage({ what: "tile", job: job.number, tile, top: core.top, left: core.left, columns: core.right - core.left, done }, [tile.buffer]);
    }
  postMessage({ what: "done", job: job.number });
}

async function restoreTile(job, core, around) {
  const rows = around.bottom - around.top, columns = around.right - around.left, count = rows * columns;
  const [red, green, blue, alpha] = read(job, around);
  const separate = card.channels === 1 && !job.gray && !job.luma; // each channel an image of its own
  let inside, luma;
  if (card.channels === 3 || separate) {
    inside = new Float32Array(3 * count);
    [red, green, blue].forEach((plane, c) => inside.set(plane, c * count));
  } else if (job.gray) {
    inside = Float32Array.from(red);
  } else { // its Y is restored, its chroma stays
    luma = new Float32Array(count);
    for (let i = 0; i < count; i++) luma[i] = STUDIO[0] * red[i] + STUDIO[1] * green[i] + STUDIO[2] * blue[i] + 16 / 255;
    inside = luma;
  }
  const restored = await run(inside, separate ? 3 : 1, rows, columns, job.values);
  const tile = new Uint8ClampedArray((core.bottom - core.top) * (core.right - core.left) * 4); // rounds and clips
  for (let y = core.top, j = 0; y < core.bottom; y++)
    for (let x = core.left; x < core.right; x++, j += 4) {
      const i = (y - around.top) * columns + x - around.left;
      if (card.channels === 3 || separate) for (let c = 0; c < 3; c++) tile[j + c] = restored[c * count + i] * 255;
      else if (job.gray) tile[j] = tile[j + 1] = tile[j + 2] = restored[i] * 255;
      else {
        const change = ((restored[i] - luma[i]) * 255) / 219;
        [red, green, blue].forEach((plane, c) => (tile[j + c] = (plane[i] + change) * 255));
      }
      tile[j + 3] = alpha[i] * 255;
    }
  return tile;
}
