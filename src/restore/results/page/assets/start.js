// The theme, what was left out, and the view that the address names.
(() => {
  const THEMES = ["system", "light", "dark"], system = matchMedia("(prefers-color-scheme: dark)");
  let theme = "system";
  try { theme = THEMES.find(each => each === localStorage.getItem("restore-theme")) ?? "system"; } catch { /* not kept for files in some browsers */ }

  function dress() {
    document.documentElement.dataset.theme = theme === "system" ? (system.matches ? "dark" : "light") : theme;
    find("theme").textContent = "Theme: " + theme;
  }

  function redress() {
    dress();
    views[current].redraw?.();  // charts hold colours of their own
  }

  find("theme").onclick = () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try { localStorage.setItem("restore-theme", theme); } catch { /* it holds for this visit */ }
    redress();
  };
  system.onchange = redress;

  find("copy").onclick = async () => {
    const link = location.href.split("#")[0] + address();
    history.replaceState(null, "", address());
    try { await navigator.clipboard.writeText(link); find("copy").textContent = "Copied"; } catch { find("copy").textContent = "It is in the address bar"; }
    setTimeout(() => { find("copy").textContent = "Copy link"; }, 2000);
  };
  find("skip").onclick = event => { event.preventDefault(); find("main").focus(); };

  const own = content.scores.filter(row => row[0] !== "published").length, some = (count, one, more) => `${count} ${count === 1 ? one : more}`;
  find("summary").textContent = [some(own, "score measured", "scores measured"), `${content.scores.length - own} published`,
    some(content.training.length, "set of curves", "sets of curves"), some(content.ablations.length, "ablation", "ablations"),
    some(content.images.length, "image", "images")].join(" · ") + ` · restore ${content.version}`;
  find("left-out").replaceChildren(...content.left_out.map(each => make("li", {}, each)));
  for (const form of document.forms) form.addEventListener("submit", event => event.preventDefault());

  window.addEventListener("hashchange", showView);
  dress();
  showView();
  document.body.dataset.state = "ready";
})();
