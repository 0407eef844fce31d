// The leaderboard: filters, a table that sorts, and published rows among ours.
(() => {
  const AT_FIRST = 150;  // rows that are drawn before more are asked for
  const rows = content.scores.map(values => Object.fromEntries(content.columns.map((name, i) => [name, values[i]])));
  const FACETS = {task: "Task", dataset: "Set", setting: "Setting", metric: "Metric", protocol: "Protocol", kind: "Rows"};
  const FEW = ["dataset", "setting", "metric"];  // filters that a phone shows at once
  const KINDS = {published: "published", network: "trained here", released: "authors’ files", classical: "classical", callable: "other programs"};
  const COLUMNS = {
    method: {label: "Method", key: row => row.method.toLowerCase()},
    task: {label: "Task", key: row => row.task},
    place: {label: "Set, setting", key: row => `${row.dataset} ${row.setting}`},
    value: {label: "Value", number: true, key: row => row.value},
    range: {label: "Among these"},
    difference: {label: "vs paper", number: true, key: row => difference(row)},
    source: {label: "Where", key: row => row.source || row.printed},
    protocol: {label: "Protocol", key: row => row.protocol},
    overlap: {label: "Overlap", key: row => row.overlap},
    images: {label: "Images × seeds", number: true, key: row => row.images || null},
    trained: {label: "Budget, recipe", key: row => row.trained},
    input: {label: "Degraded", number: true, key: row => row.input},
  };
  const state = {task: "", dataset: "", setting: "", metric: "", protocol: "", kind: "", text: "", sort: "", all: false};
  const form = find("scores-filters"), selects = {};
  const {better, start} = {better: label => content.metrics[label]?.higher === false ? "value" : "-value", start: busiest()};

  function difference(row) {
    return row.kind !== "published" && row.reference !== null ? row.value - row.reference : null;
  }

  // the set and setting for which most methods were run or printed, of the metric that leads
  function busiest() {
    const counts = new Map();
    const metric = Object.keys(content.metrics)[0] ?? "";
    for (const row of rows.filter(row => row.metric === metric)) {
      const key = JSON.stringify([row.dataset, row.setting]);
      const one = counts.get(key) ?? {dataset: row.dataset, setting: row.setting, metric, names: new Set(), own: 0};
      one.names.add(row.method + row.kind);
      one.own += row.kind !== "published";
      counts.set(key, one);
    }
    const most = [...counts.values()].sort((a, b) => (b.own > 0) - (a.own > 0) || b.names.size - a.names.size)[0];
    return most ? {dataset: most.dataset, setting: most.setting, metric} : {};
  }

  const fits = (row, facet) => !state[facet] || row[facet] === state[facet] || (facet === "protocol" && row.kind === "published");
  const matches = (row, but) => Object.keys(FACETS).every(facet => facet === but || fits(row, facet)) && matchesText(row);
  const matchesText = row => state.text.toLowerCase().split(/\s+/).every(word =>
    `${row.method} ${row.variant} ${row.source} ${row.printed} ${row.trained}`.toLowerCase().includes(word));

  for (const [facet, label] of Object.entries(FACETS)) {
    selects[facet] = choice(form, label, () => { state[facet] = selects[facet].value; state.all = false; draw(); remember(); }, {className: FEW.includes(facet) ? "" : "more"});
  }
  const search = make("input", {type: "search", placeholder: "method, experiment …", oninput() { state.text = search.value; draw(); remember(); }});
  form.append(make("label", {className: "more"}, "Find", search));
  const order = choice(form, "Sort by", () => { state.sort = order.value; draw(); remember(); }, {className: "phone"});
  form.append(make("button", {type: "button", onclick() { Object.assign(state, blank(), {sort: ""}); draw(); remember(); search.value = ""; }}, "Clear"));
  const fold = make("button", {type: "button", className: "phone", onclick: () => unfold(!form.classList.contains("unfolded"))});
  const unfold = open => {
    form.classList.toggle("unfolded", open);
    fold.setAttribute("aria-expanded", String(open));
    fold.textContent = open ? "Fewer filters" : "More filters";
  };
  form.append(fold);
  form.onsubmit = event => event.preventDefault();
  const blank = () => ({task: "", dataset: "", setting: "", metric: "", protocol: "", kind: "", text: "", all: false});

  const natural = new Intl.Collator("en", {numeric: true}).compare;

  function offerFacets() {
    for (const facet of Object.keys(FACETS)) {
      const counts = new Map();
      for (const row of rows) if (matches(row, facet) && row[facet]) counts.set(row[facet], (counts.get(row[facet]) ?? 0) + 1);
      if (state[facet] && !counts.has(state[facet])) counts.set(state[facet], 0);
      const title = value => facet === "metric" ? content.metrics[value]?.title ?? value : facet === "kind" ? KINDS[value] ?? value : value;
      const options = [...counts].sort(([a], [b]) => natural(a, b)).map(([value, count]) => [value, `${title(value)} (${count})`]);
      offer(selects[facet], [["", "all"], ...options], state[facet]);
    }
    const sorts = Object.entries(COLUMNS).filter(([, column]) => column.key).flatMap(([name, {label, number}]) =>
      number ? [["-" + name, label + ", high first"], [name, label + ", low first"]] : [[name, label]]);
    offer(order, sorts, sorting());
  }

  const sorting = () => state.sort || better(state.metric);

  function sorted(shown) {
    const name = sorting().replace("-", ""), sign = sorting().startsWith("-") ? -1 : 1, {key, number} = COLUMNS[name];
    const missing = value => value === null || value === "";
    return shown.map(row => [key(row), row]).sort(([a], [b]) =>
      missing(a) - missing(b) || (missing(a) ? 0 : sign * (number ? a - b : natural(a, b)))).map(([, row]) => row);
  }

  function head(columns) {
    const name = sorting().replace("-", ""), ascending = !sorting().startsWith("-");
    const focused = document.activeElement?.dataset?.column;
    find("scores-table").tHead.rows[0].replaceChildren(...columns.map(column => {
      const {label, key, number} = COLUMNS[column];
      const text = column === "value" && state.metric ? metricTitle(state.metric) : label;
      const cell = make("th", {scope: "col", className: number ? "number" : ""}, key ? make("button", {type: "button", "data-column": column, onclick: () => sortBy(column)}, text) : make("span", {}, text));
      if (column === name) cell.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      return cell;
    }));
    if (focused) find("scores-table").tHead.querySelector(`[data-column="${focused}"]`)?.focus();
  }

  function sortBy(column) {
    const first = column === "value" ? better(state.metric) : COLUMNS[column].number ? "-" + column : column;
    state.sort = sorting() === first ? (first.startsWith("-") ? column : "-" + column) : first;
    draw();
    remember();
  }

  function line(row, columns, low, high) {
    const gap = difference(row);
    const texts = {
      task: row.task, place: `${row.dataset} ${row.setting}`, input: row.input === null ? "" : metricText(row.metric, row.input),
      difference: gap === null ? "" : metricText(row.metric, gap, "+"), images: row.images ? `${row.images} × ${row.seeds}` : "",
      protocol: row.protocol, trained: row.trained, overlap: row.overlap, source: row.source || row.printed,
    };
    const cells = columns.map(column => {
      const {label, number} = COLUMNS[column];
      if (column === "method") {
        const title = make("th", {scope: "row"}, row.method);
        if (row.kind !== "network") title.append(make("span", {className: "badge " + (row.kind === "published" ? "published" : "")}, KINDS[row.kind] ?? row.kind));
        if (row.variant) title.append(make("span", {className: "small", title: row.variant}, row.variant));
        return title;
      }
      if (column === "value") {
        const text = metricText(row.metric, row.value) + (row.deviation === null ? "" : ` ± ${metricText(row.metric, row.deviation)}`);
        const cell = make("td", {className: "number value", "data-label": label}, text);
        if (!state.metric) cell.append(make("span", {className: "small"}, metricTitle(row.metric)));
        return cell;
      }
      if (column === "range") {
        const at = high > low ? (row.value - low) / (high - low) * 100 : 50, dot = make("i");
        dot.style.setProperty("--at", at.toFixed(1));
        return make("td", {className: "range", "data-label": label}, make("span", {className: "track", "aria-hidden": "true"}, dot));
      }
      const cell = make("td", {className: (number ? "number" : "") + (texts[column] ? "" : " blank"), "data-label": label}, texts[column]);
      if (column === "difference" && gap) {
        cell.title = `${row.printed}: ${metricText(row.metric, row.reference)}`;
      }
      if (column === "place" && row.channels === 3) cell.append(make("span", {className: "small"}, "colour"));
      if (column === "overlap" && !["", "none", "unknown"].includes(row.overlap)) cell.classList.add("worse");
      if (["protocol", "trained", "source"].includes(column)) Object.assign(cell, {title: texts[column]}).classList.add("long");
      if (column === "source" && row.source) {
        const view = ["ablations", "training"].find(name => content[name].some(each => each.source === row.source));
        if (view) cell.replaceChildren(make("a", {href: `#${view}?` + new URLSearchParams({source: row.source})}, row.source));
        if (row.checkpoint) cell.title = `checkpoint sha256 ${row.checkpoint}…`;
      }
      return cell;
    });
    return make("tr", {className: row.kind === "published" ? "published" : ""}, ...cells);
  }

  function draw() {
    offerFacets();
    const shown = sorted(rows.filter(row => matches(row)));
    const alike = state.dataset && state.setting && state.metric;
    const columns = Object.keys(COLUMNS).filter(name => name === "method" || name === "value" || (name === "task" ? new Set(shown.map(row => row.task)).size > 1 : name === "place" ? !(state.dataset && state.setting)
      : name === "range" ? alike : shown.some(row => name === "difference" ? difference(row) !== null : COLUMNS[name].key(row))));
    head(columns);
    const drawn = state.all ? shown : shown.slice(0, AT_FIRST);
    const numbers = shown.map(row => row.value);
    const low = numbers.reduce((a, b) => Math.min(a, b), Infinity), high = numbers.reduce((a, b) => Math.max(a, b), -Infinity);
    find("scores-table").tBodies[0].replaceChildren(...drawn.map(row => line(row, columns, low, high)));
    const printed = shown.filter(row => row.kind === "published").length;
    find("scores-count").textContent = `${shown.length} rows, ${printed} of them published.`
      + (alike || !shown.length ? "" : " Values of different sets, settings or metrics do not compare: choose one of each.");
    const more = find("scores-more");
    more.hidden = drawn.length === shown.length;
    more.textContent = `Show all ${shown.length} rows`;
    more.onclick = () => { state.all = true; draw(); };
  }

  views.scores = {
    show(parameters) {
      Object.assign(state, blank(), parameters.size ? {} : start);
      for (const name of [...Object.keys(FACETS), "text"]) if (parameters.has(name)) state[name] = parameters.get(name);
      const sort = parameters.get("sort") ?? "";
      state.sort = COLUMNS[sort.replace("-", "")]?.key ? sort : "";
      search.value = state.text;
      unfold(Boolean(state.text) || Object.keys(FACETS).some(facet => state[facet] && !FEW.includes(facet)));
      draw();
    },
    parameters() {
      const {all, ...rest} = state;
      return {...rest, ...(Object.values(rest).some(Boolean) ? {} : {sort: sorting()})};
    },
  };
})();
