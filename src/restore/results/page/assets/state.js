"use strict";
// What the page is about, the view that is shown, and the address that says so.
const content = JSON.parse(document.getElementById("content").textContent);
const views = {};  // by name: show(parameters), parameters(), optionally redraw()
let current = "scores";

const find = id => document.getElementById(id);

// An element with properties, attributes (names with a dash, and role) and children; text is text, never HTML.
function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

// A long name, which may break behind its commas.
const breakable = name => name.split(/(?<=,)/).flatMap((part, i) => i ? [make("wbr"), part] : [part]);

function readAddress() {
  const [view, query = ""] = location.hash.slice(1).split("?");
  return {view: Object.hasOwn(views, view) ? view : "scores", parameters: new URLSearchParams(query)};
}

function address() {
  const parameters = new URLSearchParams(Object.entries(views[current].parameters())
    .flatMap(([name, value]) => [value].flat().filter(one => one !== "" && one !== null).map(one => [name, String(one)])));
  return "#" + current + (parameters.size ? "?" + parameters : "");
}

let waiting = 0;
function remember() {  // soon: browsers refuse addresses that change with every pixel of a drag
  clearTimeout(waiting);
  waiting = setTimeout(() => history.replaceState(null, "", address()), 120);
}

function showView() {
  clearTimeout(waiting);
  const {view, parameters} = readAddress();
  current = view;
  for (const name of Object.keys(views)) find("view-" + name).hidden = name !== view;
  for (const link of find("views").children) {
    if (link.hash === "#" + view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  views[view].show(parameters);
}

// A labelled choice; `options` are pairs of a value and what is shown.
function choice(form, label, onchange, properties = {}) {
  const select = make("select", {"aria-label": label, onchange});
  form.append(make("label", properties, label, select));
  return select;
}

function offer(select, options, value) {
  select.replaceChildren(...options.map(([key, text]) => new Option(text, key)));
  select.value = value;
  if (select.selectedIndex < 0 && options.length) select.selectedIndex = 0;
}

function check(form, label, onchange) {
  const box = make("input", {type: "checkbox", onchange});
  form.append(make("label", {className: "check"}, box, label));
  return box;
}

const isEmpty = (name, list, sentence) => {
  if (list.length) return false;
  find("view-" + name).replaceChildren(make("p", {className: "empty"}, sentence));
  views[name] = {show() {}, parameters: () => ({})};
  return true;
};

function metricText(label, value, sign = "", digits = null) {
  const metric = content.metrics[label] ?? {unit: "", digits: 4};
  const text = Math.abs(value).toFixed(digits ?? metric.digits);
  return (Number(text) === 0 ? "" : value < 0 ? "−" : sign) + text;
}

function metricTitle(label) {
  const metric = content.metrics[label] ?? {title: label, unit: ""};
  return metric.unit ? `${metric.title} / ${metric.unit}` : metric.title;
}
