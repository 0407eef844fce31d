// Curves over training: the mean over the seeds of each setting with their range, or every seed.
(() => {
  const state = {source: "", column: "", along: "patches", seeds: false};
  const form = find("training-controls");
  let chart = null;
  views.training = {
    show(parameters) {
      Object.assign(state, {source: parameters.get("source") ?? "", column: parameters.get("column") ?? "", along: parameters.get("along") ?? "patches", seeds: parameters.has("seeds")});
      chart.hidden = new Set(parameters.getAll("off"));
      draw();
    },
    parameters: () => ({source: state.source, column: state.column, along: state.along, seeds: state.seeds ? 1 : "", off: [...chart.hidden]}),
    redraw: () => draw(),
  };
  if (isEmpty("training", content.training, "No history of a training was found in the folders that this page was made from.")) return;
  chart = new Chart(find("training-chart"), "Curves over training; their values at the end stand in the list below", remember);
  const pick = (key, fresh) => event => { state[key] = event.target.value; if (fresh) chart.hidden = new Set(); draw(); remember(); };
  const source = choice(form, "Experiment", pick("source", true), {className: "wide"});
  const column = choice(form, "Curve", pick("column"));
  const along = choice(form, "Along", pick("along"));
  const seeds = check(form, "Every seed", () => { state.seeds = seeds.checked; draw(); remember(); });

  const settings = each => new Set(each.jobs.map(job => job.point)).size;
  const several = content.training.find(each => settings(each) > 1 && settings(each) <= content.colours.length) ?? content.training[0];

  function draw() {
    offer(source, content.training.map(each => [each.source, each.source]), state.source || several.source);
    state.source = source.value;
    const shown = content.training.find(each => each.source === state.source);
    const validated = Object.keys(shown.columns).find(key => key.startsWith("val/")) ?? "";
    offer(column, Object.entries(shown.columns).map(([key, {label}]) => [key, label]), Object.hasOwn(shown.columns, state.column) ? state.column : validated);
    state.column = column.value;
    offer(along, Object.entries(shown.along), state.along);
    state.along = along.value;
    seeds.checked = state.seeds;
    const axis = shown.columns[state.column];
    const points = grouped(shown.jobs);
    const metric = state.column.startsWith("val/") ? state.column.slice(4) : null;
    const series = [...points].map(([name, jobs]) => {
      const lines = jobs.map(job => job.along[state.along].map((x, i) => [x, job.columns[state.column][i]]).filter(([x, y]) => x !== null && y !== null));
      const end = lines.reduce((sum, line) => sum + line.at(-1)[1], 0) / lines.length;
      const text = metric ? metricText(metric, end) + (content.metrics[metric]?.unit ? ` ${content.metrics[metric].unit}` : "") : end.toPrecision(3);
      return {name, text, traces: ({color, dash}) => state.seeds ? each(name, jobs, lines, color, dash) : together(name, lines, color, dash)};
    });
    chart.draw(series, {
      revision: [state.source, state.column, state.along].join("\n"),
      xaxis: {title: {text: plain(shown.along[state.along])}, type: "linear"},
      yaxis: {title: {text: plain(axis.label)}, type: axis.log ? "log" : "linear"},
    });
  }

  function grouped(jobs) {
    const groups = new Map();
    for (const job of jobs) if (job.columns[state.column]) groups.set(job.point, [...(groups.get(job.point) ?? []), job]);
    return groups;
  }

  const hover = name => plain(name) + "<br>%{x:.4~g}: %{y:.4~g}<extra></extra>";

  function each(name, jobs, lines, color, dash) {
    return lines.map((line, i) => ({
      x: line.map(([x]) => x), y: line.map(([, y]) => y), mode: "lines", line: {color, dash, width: 1.5},
      hovertemplate: hover(jobs[i].seed ? `${name}, seed ${jobs[i].seed}` : name),
    }));
  }

  // mean over the seeds where all of them have been, and the range between the least and the most
  function together(name, lines, color, dash) {
    const start = Math.max(...lines.map(line => line[0][0])), end = Math.min(...lines.map(line => line.at(-1)[0]));
    const grid = [...new Set(lines.flat().map(([x]) => x).filter(x => start <= x && x <= end))].sort((a, b) => a - b);
    const values = lines.map(line => between(line, grid));
    const over = merge => grid.map((_, i) => merge(values.map(each => each[i])));
    const mean = {x: grid, y: over(all => all.reduce((a, b) => a + b, 0) / all.length), mode: "lines", line: {color, dash, width: 2}, hovertemplate: hover(name)};
    if (lines.length < 2) return [mean];
    const band = {x: grid, mode: "lines", line: {width: 0}, hoverinfo: "skip"};
    return [{...band, y: over(all => Math.min(...all))}, {...band, y: over(all => Math.max(...all)), fill: "tonexty", fillcolor: faint(color)}, mean];
  }

  const faint = color => { const n = parseInt(color.slice(1), 16); return `rgba(${n >> 16},${n >> 8 & 255},${n & 255},0.15)`; };

  function between(line, grid) {
    let i = 0;
    return grid.map(x => {
      while (i < line.length - 2 && line[i + 1][0] < x) i++;
      const [[x0, y0], [x1, y1]] = [line[i], line[Math.min(i + 1, line.length - 1)]];
      return x1 > x0 ? y0 + (y1 - y0) * Math.min(1, Math.max(0, (x - x0) / (x1 - x0))) : y1;
    });
  }
})();
