"use strict";
(() => {
  const element = (name) => document.getElementById(name);
  const card = JSON.parse(element("card").textContent);
  const SIDE = 256, LARGEST = 100e6; // pixels: of a tile, and of a restored picture, which canvases hold twice
  const bytes = (name) => Uint8Array.from(atob(element(name).textContent.trim()), (letter) => letter.charCodeAt(0));
  const values = {};
  let worker, ready, picture, number = 0, started = 0, name = "photograph", scale = card.scale[0], luma = card.luma_alone;

  // -- the network ---------------------------------------------------------------------------------
  function start() {
    const address = URL.createObjectURL(new Blob([element("worker").textContent], { type: "text/javascript" }));
    worker = new Worker(address);
    ready = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => {
        if (data.what === "loaded") resolve();
        else if (data.what === "failed") { reject(new Error(data.message)); failed(data.message); }
        else receive(data);
      };
      worker.onerror = (event) => { reject(new Error(event.message)); failed(event.message); };
    });
    ready.catch(() => {});
    worker.postMessage({ what: "load", runtime: bytes("runtime"), wasm: bytes("wasm"), network: bytes("network"), facts: card });
  }

  function failed(message) {
    say(`The network could not be run: ${message}`);
    show({ other: true });
    document.body.dataset.state = "failed";
  }

  // -- the picture ---------------------------------------------------------------------------------
  async function open(file) {
    if (!file) return;
    stop();
    let bitmap;
    try {
      bitmap = await createImageBitmap(file, { imageOrientation: "from-image", premultiplyAlpha: "none" });
    } catch {
      return say(`${file.name} is no picture that this browser can open.`);
    }
    if (bitmap.width * bitmap.height * scale * scale > LARGEST)
      return say(`${file.name} would have more than ${LARGEST / 1e6} million pixels: python -m restore.apply takes it.`);
    name = file.name.replace(/\.[^.]*$/, "");
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    picture = context.getImageData(0, 0, bitmap.width, bitmap.height);
    bitmap.close();
    await restore();
  }

  function isGray({ data }) {
    for (let i = 0; i < data.length; i += 4) if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
    return true;
  }

  async function restore() {
    if (!picture) return;
    const { width, height } = picture;
    for (const canvas of [element("before"), element("after")]) { canvas.width = width * scale; canvas.height = height * scale; }
    const before = element("before").getContext("2d");
    if (scale === 1) before.putImageData(picture, 0, 0);
    else {
      const small = new OffscreenCanvas(width, height);
      small.getContext("2d").putImageData(picture, 0, 0);
      before.imageSmoothingQuality = "high";
      before.drawImage(small, 0, 0, width * scale, height * scale);
    }
    element("drop").hidden = true;
    element("view").hidden = false;
    show({ stop: true });
    say("The network is being read …");
    document.body.dataset.state = "working";
    const own = ++number;
    try { await ready; } catch (error) { return failed(error.message); }
    if (own !== number) return;
    say("Restoring …");
    started = performance.now();
    const pixels = picture.data.slice();
    const told = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value * card.sliders[key].unit]));
    if ("scale" in card.conditions && scale > 1) told.scale = scale;
    worker.postMessage({ what: "restore", number: own, pixels, width, height, scale, side: SIDE, gray: isGray(picture), luma, values: told }, [pixels.buffer]);
  }

  function receive(data) {
    if (data.job !== number) return;
    if (data.what === "tile") {
      element("after").getContext("2d").putImageData(new ImageData(data.tile, data.columns), data.left, data.top);
      element("progress").hidden = false;
      element("progress").value = data.done;
      say(`Restoring … ${Math.round(100 * data.done)} %`);
    } else {
      const seconds = (performance.now() - started) / 1000;
      const { width, height } = element("after");
      say(`${width} × ${height} pixels restored in ${seconds.toFixed(1)} s.`);
      show({ save: true, again: true, other: true });
      document.body.dataset.state = "done";
    }
  }

  function stop() {
    if (document.body.dataset.state !== "working") return;
    number++;
    worker.terminate(); // a tile cannot be interrupted; the network is read anew
    start();
    say("Stopped.");
    show({ again: true, other: true });
    document.body.dataset.state = "stopped";
  }

  async function save() {
    const blob = await new Promise((resolve) => element("after").toBlob(resolve, "image/png"));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${name}-restored.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  // -- the page ------------------------------------------------------------------------------------
  const say = (text) => { element("status").textContent = text; };

  function show(buttons) {
    for (const key of ["again", "stop", "save", "other"]) element(key).hidden = !buttons[key];
    element("progress").hidden = true;
  }

  function setting(label, control) {
    const line = document.createElement("label");
    line.append(label, control);
    if (control.type === "range") {
      const shown = document.createElement("output");
      const update = () => { shown.textContent = control.value; };
      control.addEventListener("input", update);
      update();
      line.append(shown);
    }
    element("settings").append(line);
    element("settings").hidden = false;
  }

  for (const [key, slider] of Object.entries(card.sliders)) {
    const control = document.createElement("input");
    Object.assign(control, { type: "range", id: `told-${key}`, min: slider.least, max: slider.most, step: slider.step });
    control.value = values[key] = slider.start;
    control.addEventListener("input", () => { values[key] = Number(control.value); });
    control.addEventListener("change", restore);
    setting(slider.label, control);
  }
  if (card.scale.length > 1) {
    const control = document.createElement("select");
    control.id = "scale";
    for (const factor of card.scale) control.add(new Option(`× ${factor}`, factor));
    control.addEventListener("change", () => { scale = Number(control.value); restore(); });
    setting("Enlarge", control);
  }

  if (card.channels === 1) {
    const control = document.createElement("select");
    control.id = "colour";
    control.add(new Option("each channel by itself", "channels", !luma, !luma));
    control.add(new Option("luma alone, chroma kept", "luma", luma, luma));
    control.addEventListener("change", () => { luma = control.value === "luma"; restore(); });
    setting("Colour photographs", control);
  }

  const colours = card.channels === 3 ? "colour" : "one channel";
  element("about").textContent = `${card.model}, trained for ${card.task || "an unnamed task"}, ${colours}.`;
  const row = (cells) => {
    const line = element("facts").insertRow();
    for (const cell of cells) line.insertCell().textContent = cell;
  };
  row(["weights", `${card.weights} ${card.weights_sha256.slice(0, 16)}`]);
  if (card.licence) row(["licence", card.licence]);
  row(["tiles", `${SIDE} pixels and ${card.reach[0]} around them`]);
  for (const score of card.scores)
    row([`${score.metric} on ${score.dataset}`, `${score.value} (${score.setting}, protocol ${score.protocol}, ${score.images} images)`]);

  const drop = element("drop"), stage = element("stage");
  drop.addEventListener("click", () => element("file").click());
  drop.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); element("file").click(); } });
  element("file").addEventListener("change", (event) => open(event.target.files[0]));
  addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); open(event.dataTransfer.files[0]); });
  addEventListener("paste", (event) => open([...event.clipboardData.files][0]));
  const divide = (share) => {
    element("divider").value = 100 * share;
    stage.style.setProperty("--at", `${100 * share}%`);
  };
  const follow = (event) => {
    const box = stage.getBoundingClientRect();
    divide(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  };
  stage.addEventListener("pointerdown", (event) => { stage.setPointerCapture(event.pointerId); follow(event); });
  stage.addEventListener("pointermove", (event) => { if (event.buttons) follow(event); });
  element("divider").addEventListener("input", (event) => divide(event.target.value / 100));
  element("again").addEventListener("click", restore);
  element("stop").addEventListener("click", stop);
  element("save").addEventListener("click", save);
  element("other").addEventListener("click", () => {
    picture = null;
    element("file").value = "";
    element("view").hidden = true;
    drop.hidden = false;
    show({});
    say("");
    document.body.dataset.state = "empty";
  });
  document.body.dataset.state = "empty";
  start();
})();
