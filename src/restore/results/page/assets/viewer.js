// Versions of one image: two on top of each other with a divider, all of them below, under one zoom.
(() => {
  const MOST_ZOOM = 32;  // screen pixels of one of the image
  const state = {image: "", left: "", right: "", at: 50, zoom: 1, x: 0.5, y: 0.5, errors: false, gain: 4};
  const form = find("images-controls"), stage = find("stage"), canvas = find("stage-canvas"), divider = find("divider");
  views.images = {
    async show(parameters) {
      const number = (key, fallback, low, high) => {
        const value = parseFloat(parameters.get(key));
        return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : fallback;
      };
      Object.assign(state, {image: parameters.get("image") ?? "", left: parameters.get("left") ?? "", right: parameters.get("right") ?? "", errors: parameters.has("errors"),
        at: number("at", 50, 0, 100), zoom: number("zoom", 1, 1, 1000), x: number("x", 0.5, 0, 1), y: number("y", 0.5, 0, 1), gain: number("gain", 4, 1, 16)});
      await choose();
    },
    parameters: () => ({...state, errors: state.errors ? 1 : "", at: round(state.at, 1), zoom: round(state.zoom, 2), x: round(state.x, 3), y: round(state.y, 3)}),
    redraw: () => draw(),
  };
  if (isEmpty("images", content.images, "No crops of test images were found: runs keep those that the key sheets names.")) return;

  const round = (value, digits) => Number(value.toFixed(digits));
  const keyOf = each => [each.dataset, each.setting, each.image, each.protocol].join(" ") + (each.box ? ` @${each.box.join(",")}` : "");
  const titleOf = each => `${each.dataset} ${each.image}, ${each.setting}, ${each.protocol}`;
  const colours = Uint8Array.from(atob(content.colour_map), character => character.charCodeAt(0));
  const image = choice(form, "Test image", () => { Object.assign(state, {image: image.value, zoom: 1, x: 0.5, y: 0.5}); choose(); remember(); }, {className: "wide"});
  const left = choice(form, "Left", () => { state.left = left.value; draw(); remember(); });
  const right = choice(form, "Right", () => { state.right = right.value; draw(); remember(); });
  const errors = check(form, "Error maps", () => { state.errors = errors.checked; draw(); remember(); });
  const gain = make("input", {type: "range", min: 1, max: 16, step: 1, oninput() { state.gain = Number(gain.value); mapped.clear(); draw(); remember(); }});
  const gainLabel = make("label", {}, "Errors enlarged", gain);
  form.append(gainLabel);
  offer(image, content.images.map(each => [keyOf(each), titleOf(each)]), "");

  let shown = null, pixels = new Map(), panes = new Map();
  const mapped = new Map();  // error maps by version

  async function choose() {
    const wanted = content.images.find(each => keyOf(each) === state.image) ?? content.images[0];
    state.image = image.value = keyOf(wanted);
    if (shown !== wanted) {
      const loaded = await Promise.all(wanted.versions.map(async each => [each.name, await decoded(each.image)]));
      if (state.image !== keyOf(wanted)) return;  // another one was chosen meanwhile
      [shown, pixels] = [wanted, new Map(loaded)];
      mapped.clear();
      layOut();
    }
    const names = shown.versions.map(each => each.name);
    offer(left, names.map(each => [each, each]), names.includes(state.left) ? state.left : "degraded");
    offer(right, names.map(each => [each, each]), names.includes(state.right) ? state.right : names.at(-1));
    [state.left, state.right] = [left.value, right.value];
    errors.checked = state.errors;
    gain.value = state.gain;
    draw();
  }

  async function decoded(address) {
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    const made = make("canvas", {width: picture.naturalWidth, height: picture.naturalHeight});
    made.getContext("2d", {willReadFrequently: true}).drawImage(picture, 0, 0);
    return made;
  }

  function layOut() {
    panes = new Map();
    find("panes").replaceChildren(...shown.versions.map(({name, value}) => {
      const view = make("canvas", {role: "img", "aria-label": name + (value ? `, ${value}` : "")});
      const side = (text, key) => make("button", {type: "button", "aria-label": `${name} on the ${key}`, onclick() { state[key] = name; (key === "left" ? left : right).value = name; draw(); remember(); }}, text);
      const sides = {left: side("Left", "left"), right: side("Right", "right")};
      panes.set(name, {view, sides});
      steer(view, () => true);
      return make("figure", {className: "pane"}, view, make("figcaption", {}, make("b", {}, name), make("span", {}, value), make("div", {className: "sides"}, sides.left, sides.right)));
    }));
  }

  // |version − clean|, the mean over the channels, enlarged: 0 is black, 255 / gain and more is bright yellow
  function errorMap(name) {
    if (!mapped.has(name)) {
      const {width, height} = shown, read = canvas => canvas.getContext("2d").getImageData(0, 0, width, height).data;
      const clean = read(pixels.get("clean")), other = read(pixels.get(name)), result = new ImageData(width, height);
      for (let i = 0; i < clean.length; i += 4) {
        const error = (Math.abs(other[i] - clean[i]) + Math.abs(other[i + 1] - clean[i + 1]) + Math.abs(other[i + 2] - clean[i + 2])) / 3;
        const level = 3 * Math.min(255, Math.round(error * state.gain));
        result.data.set([colours[level], colours[level + 1], colours[level + 2], 255], i);
      }
      const made = make("canvas", {width, height});
      made.getContext("2d").putImageData(result, 0, 0);
      mapped.set(name, made);
    }
    return mapped.get(name);
  }

  const versionOf = name => state.errors && name !== "clean" ? errorMap(name) : pixels.get(name);

  // Screen pixels of one of the image, and where its corner lies, so that (x, y) of the image is in the middle.
  function placed(view) {
    const {clientWidth: width, clientHeight: height} = view, fit = Math.min(width / shown.width, height / shown.height);
    const scale = fit * state.zoom, corner = (size, length, at) => length * scale <= size ? (size - length * scale) / 2 : Math.min(0, Math.max(size - length * scale, size / 2 - at * length * scale));
    return {scale, left: corner(width, shown.width, state.x), top: corner(height, shown.height, state.y), fit};
  }

  function paint(view, draws) {
    const ratio = window.devicePixelRatio || 1, {clientWidth: width, clientHeight: height} = view;
    if (!width) return;
    if (view.width !== Math.round(width * ratio) || view.height !== Math.round(height * ratio)) [view.width, view.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const pen = view.getContext("2d"), {scale, left, top} = placed(view);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.imageSmoothingEnabled = scale < 1.5;
    draws(pen, picture => pen.drawImage(picture, left, top, shown.width * scale, shown.height * scale), width, height);
  }

  let frame = 0;
  function draw() {
    if (!shown || find("view-images").hidden) return;
    state.zoom = Math.max(1, Math.min(state.zoom, MOST_ZOOM / placed(canvas).fit));
    say();
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(paintAll);
  }

  function paintAll() {
    if (!shown || find("view-images").hidden) return;
    paint(canvas, (pen, put, width, height) => {
      put(versionOf(state.left));
      pen.save();
      pen.beginPath();
      pen.rect(width * state.at / 100, 0, width, height);
      pen.clip();
      pen.clearRect(0, 0, width, height);
      put(versionOf(state.right));
      pen.restore();
    });
    for (const [name, {view}] of panes) paint(view, (pen, put) => put(versionOf(name)));
  }

  // What the image, the divider and the buttons say of themselves.
  function say() {
    for (const [name, {sides}] of panes) {
      for (const side of ["left", "right"]) sides[side].setAttribute("aria-pressed", String(state[side] === name));
    }
    const describe = name => { const {value} = shown.versions.find(each => each.name === name); return name + (value ? ` · ${value.replaceAll(" ", "\u00a0")}` : ""); };
    stage.style.setProperty("--at", state.at + "%");
    stage.classList.toggle("zoomed", state.zoom > 1);
    find("tag-left").textContent = describe(state.left);
    find("tag-right").textContent = describe(state.right);
    canvas.setAttribute("aria-label", `left ${describe(state.left)}, right ${describe(state.right)}` + (state.errors ? ", errors" : ""));
    divider.setAttribute("aria-valuenow", String(Math.round(state.at)));
    divider.setAttribute("aria-valuetext", `${Math.round(state.at)} % ${state.left}, the rest ${state.right}`);
    gainLabel.hidden = !state.errors;
    gainLabel.firstChild.textContent = `Errors enlarged ${state.gain} ×`;
    find("zoom-level").textContent = `${Math.round(placed(canvas).scale * 100)} %`;
  }

  // -- steering: the divider, zoom and pan ---------------------------------------------------------

  function moveDivider(at) { state.at = Math.max(0, Math.min(100, at)); draw(); remember(); }

  function zoom(factor, view = canvas, x = view.clientWidth / 2, y = view.clientHeight / 2) {
    const before = placed(view), [u, v] = [(x - before.left) / before.scale / shown.width, (y - before.top) / before.scale / shown.height];
    state.zoom = Math.max(1, Math.min(MOST_ZOOM / before.fit, state.zoom * factor));
    const scale = before.fit * state.zoom;  // the point under the pointer stays there
    centre(u + (view.clientWidth / 2 - x) / scale / shown.width, v + (view.clientHeight / 2 - y) / scale / shown.height, view);
  }

  function centre(x, y, view = canvas) {
    const {scale} = placed(view), inside = (at, size, length) => { const half = Math.min(0.5, size / length / scale / 2); return Math.max(half, Math.min(1 - half, at)); };
    state.x = inside(x, view.clientWidth, shown.width);
    state.y = inside(y, view.clientHeight, shown.height);
    draw();
    remember();
  }

  function pan(x, y, view = canvas) {  // by screen pixels
    const {scale} = placed(view);
    centre(state.x - x / scale / shown.width, state.y - y / scale / shown.height, view);
  }

  function fit() { Object.assign(state, {zoom: 1, x: 0.5, y: 0.5}); draw(); remember(); }

  const at = event => (event.clientX - stage.getBoundingClientRect().left) / stage.clientWidth * 100;

  // Drags with one pointer pan, two pinch; the wheel zooms with Ctrl, or where the view has been clicked.
  function steer(view, pans) {
    const held = new Map();
    const spread = () => { const [a, b] = [...held.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
    view.addEventListener("pointerdown", event => {
      if (event.button) return;
      held.set(event.pointerId, {x: event.clientX, y: event.clientY});
      view.setPointerCapture(event.pointerId);
    });
    view.addEventListener("pointermove", event => {
      const last = held.get(event.pointerId);
      if (!last) return;
      const now = {x: event.clientX, y: event.clientY}, before = held.size === 2 ? spread() : 0;
      held.set(event.pointerId, now);
      if (held.size === 2) {
        const box = view.getBoundingClientRect(), [a, b] = [...held.values()];
        zoom(spread() / Math.max(before, 1), view, (a.x + b.x) / 2 - box.left, (a.y + b.y) / 2 - box.top);
      } else if (pans()) pan(now.x - last.x, now.y - last.y, view);
      else moveDivider(at(event));
    });
    for (const name of ["pointerup", "pointercancel"]) view.addEventListener(name, event => held.delete(event.pointerId));
    view.addEventListener("wheel", event => {
      if (!event.ctrlKey && !stage.contains(document.activeElement)) return;
      event.preventDefault();
      const box = view.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), view, event.clientX - box.left, event.clientY - box.top);
    }, {passive: false});
  }

  steer(canvas, () => state.zoom > 1);
  divider.addEventListener("pointerdown", event => {
    if (event.button) return;
    divider.setPointerCapture(event.pointerId);
    divider.focus({preventScroll: true});
    event.preventDefault();
  });
  divider.addEventListener("pointermove", event => { if (divider.hasPointerCapture(event.pointerId)) moveDivider(at(event)); });

  divider.addEventListener("keydown", event => {
    const step = event.shiftKey ? 10 : 1;
    const goal = {ArrowLeft: state.at - step, ArrowDown: state.at - step, ArrowRight: state.at + step, ArrowUp: state.at + step,
      PageDown: state.at - 10, PageUp: state.at + 10, Home: 0, End: 100}[event.key];
    if (goal === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    moveDivider(goal);
  });
  stage.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = {"+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fit, ArrowLeft: () => pan(40, 0),
      ArrowRight: () => pan(-40, 0), ArrowUp: () => pan(0, 40), ArrowDown: () => pan(0, -40)}[event.key];
    if (!action || (event.key.startsWith("Arrow") && state.zoom === 1)) return;
    event.preventDefault();
    action();
  });
  find("zoom-in").onclick = () => zoom(1.5);
  find("zoom-out").onclick = () => zoom(1 / 1.5);
  find("zoom-fit").onclick = fit;
  new ResizeObserver(draw).observe(stage);
})();
