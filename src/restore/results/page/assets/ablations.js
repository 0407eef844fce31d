// The points of a grid: values with their deviation over the seeds, or differences from the first with their interval.
(() => {
  const state = {source: "", place: "", metric: "", show: "value"};
  const form = find("ablations-controls"), table = find("ablations-table");
  let chart = null;
  views.ablations = {
    show(parameters) {
      for (const [key, fallback] of Object.entries({source: "", place: "", metric: "", show: "value"})) state[key] = parameters.get(key) ?? fallback;
      chart.hidden = new Set(parameters.getAll("off"));
      draw();
    },
    parameters: () => ({...state, off: [...chart.hidden]}),
    redraw: () => draw(),
  };
  if (isEmpty("ablations", content.ablations, "No sweep was found in the folders that this page was made from.")) return;
  chart = new Chart(find("ablations-chart"), "Points of the ablation; the table below has their values", remember);
  const pick = (key, fresh) => event => { state[key] = event.target.value; if (fresh) chart.hidden = new Set(); draw(); remember(); };
  const source = choice(form, "Experiment", pick("source", true), {className: "wide"});
  const place = choice(form, "Set, setting, protocol", pick("place"), {className: "wide"});
  const metric = choice(form, "Metric", pick("metric"));
  const show = choice(form, "Show", pick("show"));

  const placeName = each => `${each.dataset} ${each.setting}, ${each.protocol}`;
  const only = list => [...new Set(list)].map(each => [each, each]);

  function draw() {
    offer(source, only(content.ablations.map(each => each.source)), state.source);
    state.source = source.value;
    const {trained, places: all} = content.ablations.find(each => each.source === state.source);
    find("ablations-trained").textContent = trained;
    offer(place, only(all.map(placeName)), state.place);
    state.place = place.value;
    const here = all.filter(each => placeName(each) === state.place);
    offer(metric, here.map(each => [each.metric, metricTitle(each.metric)]), state.metric);
    state.metric = metric.value;
    offer(show, [["value", "values"], ["difference", "differences from the first"]], state.show);
    state.show = show.value;
    const {points} = here.find(each => each.metric === state.metric);
    const digits = Math.max(content.metrics[state.metric]?.digits ?? 4, 3);
    const text = value => metricText(state.metric, value, "", digits), signed = value => metricText(state.metric, value, "+", digits);
    const spread = point => text(point.mean) + (point.deviation === null ? "" : ` ± ${text(point.deviation)}`);
    const interval = point => `${signed(point.difference)} [${signed(point.low)}, ${signed(point.high)}]`;
    const differences = state.show === "difference";
    const marked = chart.narrow && points.some(point => point.name.length > 16);  // numbers, where names have no room
    const series = points.map((point, i) => ({...point, mark: marked ? i + 1 : ""})).filter(point => !differences || point.difference !== undefined).map(point => ({
      name: point.name, mark: point.mark,
      traces: ({color}) => [{
        x: [differences ? point.difference : point.mean], y: [marked ? `${point.mark}.` : wrapped(point.name)], mode: "markers", marker: {color, size: 10},
        error_x: differences ? {type: "data", symmetric: false, array: [point.high - point.difference], arrayminus: [point.difference - point.low], color, thickness: 2}
          : {type: "data", array: [point.deviation ?? 0], visible: point.deviation !== null, color, thickness: 2},
        hovertemplate: `${wrapped(point.name)}<br>${plain(differences ? interval(point) : spread(point))}<extra></extra>`,
      }],
    }));
    chart.plot.style.height = `${Math.max(220, 90 + 34 * series.length)}px`;
    chart.plot.style.minHeight = "0";
    chart.draw(series, {
      revision: Object.values(state).join("\n"), margin: {l: 10, r: 14, t: 10, b: 44},
      xaxis: {title: {text: plain(metricTitle(state.metric)) + (differences ? chart.narrow ? ", difference" : ", difference from " + wrapped(points[0].name) : "")}, zeroline: differences, zerolinewidth: 2},
      yaxis: {type: "category", autorange: "reversed"},
    }, true);
    const columns = ["Setting", "Seeds", metricTitle(state.metric), "Difference from the first, 95 % interval", ""];
    table.tHead.rows[0].replaceChildren(...columns.map((each, i) => make("th", {scope: "col", className: i && i < 4 ? "number" : ""}, make("span", {}, each))));
    table.tBodies[0].replaceChildren(...points.map(point => make("tr", {},
      make("th", {scope: "row", className: "name"}, ...breakable(point.name)), make("td", {className: "number"}, String(point.seeds)), make("td", {className: "number"}, spread(point)),
      make("td", {className: "number"}, point.difference === undefined ? "–" : interval(point)),
      make("td", {}, point.distinguishable === false ? "not distinguishable" : ""))));
  }

  // a long name on several lines, broken behind its commas
  function wrapped(name) {
    const most = chart.narrow ? 24 : 40, lines = [""];
    for (const part of name.split(/(?<=,)/)) {
      if (lines.at(-1) && (lines.at(-1) + part).length > most) lines.push("");
      lines[lines.length - 1] += part;
    }
    return lines.map(plain).join("<br>");
  }
})();
