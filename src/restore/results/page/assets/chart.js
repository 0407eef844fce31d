// Charts by plotly, which is unpacked when the first one is drawn; series are toggled by checkboxes of our own.
let library = null;

function plotly() {
  library ??= (async () => {
    const bytes = Uint8Array.from(atob(find("plotly").textContent), character => character.charCodeAt(0));
    const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    document.head.append(make("script", {textContent: text}));
    return window.Plotly;
  })();
  return library;
}

// Plotly reads some HTML in its texts: what a run is called is no HTML.
const plain = text => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const DASHES = ["solid", "dash", "dot"];

// The look of the n-th series: a colour that the colour-blind tell apart, then the same again dashed.
function look(number) {
  const colour = content.colours[number % content.colours.length];
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--text").trim();
  return {color: colour === "#000000" ? ink : colour, dash: DASHES[Math.floor(number / content.colours.length) % DASHES.length]};
}

class Chart {
  // `toggled` is called when a series was shown or hidden.
  constructor(place, label, toggled) {
    this.hidden = new Set();
    this.toggled = toggled;
    this.plot = make("div", {className: "plot", role: "img", "aria-label": label});
    this.legend = make("div", {className: "legend", role: "group", "aria-label": "Shown in the chart"});
    this.tools = make("div", {className: "tools"},
      this.button("Zoom in", () => this.zoom(0.6)), this.button("Zoom out", () => this.zoom(1 / 0.6)),
      this.button("Reset zoom", () => this.reset()),
      this.button("Show all", () => this.toggle([])), this.button("Show none", () => this.toggle(this.names)));
    place.replaceChildren(make("div", {className: "chart"}, this.plot, this.tools, this.legend));
  }

  get narrow() { return this.plot.clientWidth < 560; }

  button(text, onclick) { return make("button", {type: "button", onclick}, text); }

  toggle(names) {
    this.hidden = new Set(names);
    this.render();
    this.toggled();
  }

  // Series: name, text behind the name, a mark before it, and its traces; `layout` is plotly's.
  async draw(series, layout, dots = false) {
    Object.assign(this, {series, layout, dots, names: series.map(each => each.name)});
    await this.render();
  }

  async render() {
    const drawer = await plotly();
    const styles = getComputedStyle(document.documentElement), style = name => styles.getPropertyValue(name).trim();
    const axis = {gridcolor: style("--edge"), zeroline: false, linecolor: style("--edge"), automargin: true, fixedrange: false};
    const {narrow} = this;
    const titled = own => ({...axis, ...own, ...(own.title ? {title: {font: {size: narrow ? 11 : 13}, ...own.title}} : {})});
    const layout = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, autosize: true, hovermode: "closest",
      font: {color: style("--text"), family: "system-ui, sans-serif", size: narrow ? 11 : 13}, margin: {l: 48, r: 14, t: 14, b: 44},
      hoverlabel: {bgcolor: style("--panel"), bordercolor: style("--edge"), font: {color: style("--text")}},
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", uirevision: this.layout.revision,
      ...this.layout, xaxis: titled(this.layout.xaxis), yaxis: titled(this.layout.yaxis),
    };
    const traces = this.series.filter(each => !this.hidden.has(each.name)).flatMap(each => each.traces(look(this.names.indexOf(each.name))));
    await drawer.react(this.plot, traces, layout, {displayModeBar: false, responsive: true, scrollZoom: false});
    this.legend.classList.toggle("long", this.names.some(name => name.length > 24));
    const focused = this.legend.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    this.legend.replaceChildren(...this.series.map((each, number) => this.entry(each, look(number))));
    if (focused !== null) [...this.legend.querySelectorAll("input")].find(box => box.dataset.name === focused)?.focus();
  }

  entry(each, {color, dash}) {
    const box = make("input", {type: "checkbox", checked: !this.hidden.has(each.name), "data-name": each.name, onchange: () => {
      if (box.checked) this.hidden.delete(each.name); else this.hidden.add(each.name);
      this.render();
      this.toggled();
    }});
    const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({width: 22, height: 8, "aria-hidden": "true"})) swatch.setAttribute(name, value);
    const mark = document.createElementNS("http://www.w3.org/2000/svg", this.dots ? "circle" : "line");
    const shape = this.dots ? {cx: 11, cy: 4, r: 4, fill: color}
      : {x1: 0, x2: 22, y1: 4, y2: 4, stroke: color, "stroke-width": 2.5, "stroke-dasharray": {solid: "", dash: "7 3", dot: "2 3"}[dash]};
    for (const [name, value] of Object.entries(shape)) mark.setAttribute(name, value);
    swatch.append(mark);
    return make("label", {}, box, swatch, make("span", {}, ...breakable(each.mark ? `${each.mark}. ${each.name}` : each.name), each.text ? `: ${each.text}` : ""));
  }

  async zoom(factor) {
    const drawer = await plotly(), {xaxis, yaxis} = this.plot._fullLayout, changes = {};
    for (const [name, axis] of Object.entries({xaxis, yaxis})) {
      if (name === "yaxis" && this.dots) continue;
      const [low, high] = axis.range, middle = (low + high) / 2, half = (high - low) / 2 * factor;
      changes[name + ".range"] = [middle - half, middle + half];
    }
    await drawer.relayout(this.plot, changes);
  }

  async reset() {
    (await plotly()).relayout(this.plot, {"xaxis.autorange": true, "yaxis.autorange": this.dots ? "reversed" : true});
  }
}
