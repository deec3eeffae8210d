"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  // Okabe and Ito's colours, which colour-blind readers can tell apart; runs beyond eight differ by their dashes too.
  const colours = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C7A00", "#7F7F7F"];
  const dashes = ["solid", "dash", "dot", "dashdot", "longdash"];
  const signColours = { warning: "#E69F00", error: "#D55E00" };
  const settings = { displayModeBar: false, responsive: true };
  // Where fingers scroll the page they must not zoom a chart.
  const dragmode = window.matchMedia("(pointer: coarse)").matches ? false : "zoom";
  const drawn = new Map();

  const look = (run) => ({ color: colours[run % colours.length], dash: dashes[Math.floor(run / colours.length) % dashes.length] });

  function layout(title, unit, log) {
    const ink = dark.matches ? "#e6edf3" : "#1b1f24";
    const line = dark.matches ? "#30363d" : "#d8dee4";
    const axis = { gridcolor: line, zerolinecolor: line, automargin: true };
    return {
      title: { text: title, font: { size: 14 }, x: 0.02, xanchor: "left" },
      font: { color: ink, size: 12 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 8, r: 8, t: 34, b: 8 }, showlegend: false, hovermode: "x unified", dragmode,
      hoverlabel: { bgcolor: dark.matches ? "#161b22" : "#ffffff", font: { color: ink } },
      xaxis: { ...axis, title: { text: "steps", standoff: 4 } },
      yaxis: { ...axis, title: { text: unit, standoff: 4 }, type: log ? "log" : "linear", tickformat: "~g" },
      shapes: [], annotations: [],
    };
  }

  function bandTraces(reference, metric) {
    const band = (data.bands[reference] || {})[metric];
    if (!band) return [];
    const edge = { mode: "lines", x: band.steps, line: { width: 0 }, hoverinfo: "skip", connectgaps: true };
    const fill = dark.matches ? "rgba(86,180,233,0.22)" : "rgba(0,114,178,0.15)";
    return [
      { ...edge, y: band.low }, { ...edge, y: band.high, fill: "tonexty", fillcolor: fill },
      { x: band.steps, y: band.median, mode: "lines", name: "healthy median", connectgaps: true,
        line: { color: dark.matches ? "#9aa4af" : "#57606a", width: 1, dash: "dash" } },
    ];
  }

  function curveTrace(run, metric) {
    const curve = run.curves[metric];
    return { x: run.grids[curve.grid], y: curve.values, mode: curve.values.length < 12 ? "lines+markers" : "lines",
      name: data.runs.length > 1 ? run.name : metric, line: { ...look(run.id), width: 2 } };
  }

  function drawMetric(box, run, metric, log) {
    const about = data.metrics[metric];
    const plan = layout(about.title, about.unit, log);
    // One mark a stretch; several signs that fired on the same one share it.
    const stretches = new Map();
    for (const mark of run.marks[metric] || []) {
      const key = `${mark.first} ${mark.last}`;
      const known = stretches.get(key) || { ...mark, codes: [] };
      known.codes.push(mark.code);
      if (mark.severity === "error") known.severity = "error";
      stretches.set(key, known);
    }
    // A setting that stays is drawn at its height, not as a line at 0 in a range of 1.
    const values = run.curves[metric].values.filter((value) => value !== null);
    const flat = values.length > 0 && Math.min(...values) === Math.max(...values);
    if (flat && !log && values[0] !== 0 && !(data.bands[run.reference] || {})[metric]) {
      plan.yaxis.range = [values[0] - 0.5 * Math.abs(values[0]), values[0] + 0.5 * Math.abs(values[0])];
    }
    let row = 0;
    for (const mark of stretches.values()) {
      const colour = signColours[mark.severity];
      plan.shapes.push({ type: "rect", xref: "x", yref: "paper", x0: mark.first, x1: mark.last, y0: 0, y1: 1,
        fillcolor: colour, opacity: 0.1, line: { width: 0 }, layer: "below" });
      plan.annotations.push({ xref: "x", yref: "paper", x: mark.last, xanchor: "right", y: 1 - 0.1 * row++, yanchor: "top",
        text: mark.codes.join(" "), showarrow: false, font: { size: 11, color: plan.font.color } });
    }
    Plotly.react(box, [...bandTraces(run.reference, metric), curveTrace(run, metric)], plan, settings);
  }

  function drawTogether() {
    const box = document.getElementById("together");
    if (!box) return;
    const metric = document.getElementById("metric").value;
    const shown = new Set([...document.querySelectorAll(".toggle:checked")].map((toggle) => Number(toggle.dataset.run)));
    const runs = data.runs.filter((run) => shown.has(run.id) && run.curves[metric]);
    const references = new Set(runs.map((run) => run.reference));
    const about = data.metrics[metric] || { title: "", unit: "" };
    const plan = layout(about.title, about.unit, document.getElementById("log").checked);
    if (runs.length > 8) plan.hovermode = "closest";
    const bands = references.size === 1 ? bandTraces([...references][0], metric) : [];
    Plotly.react(box, [...bands, ...runs.map((run) => curveTrace(run, metric))], plan, settings);
  }

  function drawEvaluation(box, run) {
    const found = run.evaluation;
    if (!found) return;
    const isDistance = found.distance.some((value) => value !== null);
    const values = isDistance ? found.distance : found.return;
    const known = found.success.some((value) => value !== null);
    const plan = layout(isDistance ? "final distance of each evaluation episode" : "return of each evaluation episode", isDistance ? "m" : "", false);
    plan.xaxis.title.text = "episode seed";
    const split = known
      ? [["success", (i) => found.success[i], "#009E73", "circle"], ["failure", (i) => !found.success[i], "#D55E00", "x"]]
      : [["episode", () => true, "#0072B2", "circle"]];
    const traces = split.map(([name, wanted, color, symbol]) => {
      const places = values.map((_, i) => i).filter(wanted);
      return { x: places, y: places.map((i) => values[i]), mode: "markers", name, marker: { color, symbol, size: 7 } };
    });
    plan.hovermode = "closest";
    plan.showlegend = known;
    plan.legend = { orientation: "h", y: 1.1, x: 1, xanchor: "right" };
    Plotly.react(box, traces, plan, settings);
  }

  const reached = (success) => (success ? "#009E73" : "#D55E00");

  function drawDistances(box, paths) {
    const plan = layout("distance to the goal, step by step, in every evaluation episode", "", true);
    plan.xaxis.title.text = "step of the episode";
    plan.hovermode = "closest";
    plan.showlegend = false;
    const traces = paths.distance.map(([x, y], i) => ({
      x, y, mode: "lines", name: `episode ${i}`, opacity: 0.45, line: { color: reached(paths.success[i]), width: 1 },
    }));
    Plotly.react(box, traces, plan, settings);
  }

  function drawPaths(box, paths) {
    const plan = layout("paths to the goals (crosses), seen from above", "", false);
    plan.xaxis.title.text = "x";
    plan.yaxis.title = { text: "y" };
    plan.yaxis.scaleanchor = "x";
    plan.hovermode = "closest";
    plan.showlegend = false;
    const traces = paths.seen.map(([x, y], i) => ({
      x, y, mode: "lines", name: `episode ${i}`, opacity: 0.7, line: { color: reached(paths.success[i]), width: 1.5 },
    }));
    traces.push({
      x: paths.goals.map((goal) => goal[0]), y: paths.goals.map((goal) => goal[1]), mode: "markers", name: "goals",
      marker: { symbol: "x", size: 6, color: "#0072B2" },
    });
    Plotly.react(box, traces, plan, settings);
  }

  function chartBox(label) {
    const box = document.createElement("div");
    box.className = "chart";
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", label);
    return box;
  }

  // Charts are drawn when they come into view: a page of a hundred runs opens as fast as one of one.
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !drawn.has(entry.target)) {
        drawn.set(entry.target, true);
        entry.target.draw();
      }
    }
  }, { rootMargin: "300px" });

  function fill(place) {
    const run = data.runs[Number(place.dataset.run)];
    const inside = document.querySelector(`.inside[data-run="${run.id}"]`);
    const log = document.querySelector(`.log[data-run="${run.id}"]`);
    place.replaceChildren();
    for (const metric of Object.keys(run.curves)) {
      if (data.metrics[metric].inside && !inside.checked) continue;
      const values = run.curves[metric].values.filter((value) => value !== null);
      const box = chartBox(`${data.metrics[metric].title}, from ${values[0]} to ${values[values.length - 1]}`);
      box.dataset.metric = metric;
      box.draw = () => drawMetric(box, run, metric, log.checked);
      place.append(box);
      watch.observe(box);
    }
  }

  for (const place of document.querySelectorAll(".charts")) fill(place);
  for (const place of document.querySelectorAll(".evaluation")) {
    const run = data.runs[Number(place.dataset.run)];
    if (!run.evaluation) continue;
    const drawings = [["Evaluation episodes", (box) => drawEvaluation(box, run)]];
    if (run.paths) {
      drawings.push(["Distance to the goal in every episode", (box) => drawDistances(box, run.paths)]);
      if (run.paths.goals.every((goal) => goal.length >= 2)) {
        drawings.push(["Paths to the goals, seen from above", (box) => drawPaths(box, run.paths), "tall"]);
      }
    }
    for (const [label, draw, size] of drawings) {
      const box = chartBox(label);
      if (size) box.classList.add(size);
      box.draw = () => draw(box);
      place.append(box);
      watch.observe(box);
    }
  }
  for (const control of document.querySelectorAll(".log, .inside")) {
    control.addEventListener("change", () => fill(document.querySelector(`.charts[data-run="${control.dataset.run}"]`)));
  }
  for (const button of document.querySelectorAll(".reset")) {
    button.addEventListener("click", () => fill(document.querySelector(`.charts[data-run="${button.dataset.run}"]`)));
  }

  // Of a sweep: a setting each, its interquartile mean over seeds in its interval.
  function drawTrend(box, trend) {
    const plan = layout(trend.title, "", false);
    plan.showlegend = true;
    plan.legend = { orientation: "h", y: -0.25, traceorder: "normal" };
    plan.margin.t = 40;
    const traces = trend.settings.flatMap((setting, place) => {
      const edge = { x: setting.steps, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false };
      const drawn = look(place);
      return [
        { ...edge, y: setting.low },
        { ...edge, y: setting.high, fill: "tonexty", fillcolor: `${drawn.color}2e` },
        { x: setting.steps, y: setting.middle, mode: "lines", name: setting.name, line: { ...drawn, width: 2 } },
      ];
    });
    Plotly.react(box, traces, plan, settings);
  }

  for (const place of document.querySelectorAll(".trends")) {
    for (const trend of data.trends) {
      const box = chartBox(`${trend.title} of each setting over environment steps`);
      box.draw = () => drawTrend(box, trend);
      place.append(box);
      watch.observe(box);
    }
  }

  const metric = document.getElementById("metric");
  if (metric) {
    for (const [name, about] of Object.entries(data.metrics)) metric.add(new Option(about.title, name));
    for (const swatch of document.querySelectorAll(".swatch")) swatch.style.background = look(Number(swatch.dataset.run)).color;
    for (const control of document.querySelectorAll("#metric, #log, .toggle")) control.addEventListener("change", drawTogether);
    document.getElementById("reset").addEventListener("click", () => { Plotly.purge("together"); drawTogether(); });
    for (const [id, state] of [["all", true], ["none", false]]) {
      document.getElementById(id).addEventListener("click", () => {
        for (const toggle of document.querySelectorAll(".toggle")) toggle.checked = state;
        drawTogether();
      });
    }
    drawTogether();
  }

  // The table of all runs: sorted by a click on a heading, within each environment; filtered by what is typed.
  const overview = document.querySelector(".overview");
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    const key = cell.dataset.key;
    return key === undefined ? cell.textContent.trim() : key === "" ? -Infinity : Number(key);
  };
  for (const button of overview ? overview.querySelectorAll(".sort") : []) {
    button.addEventListener("click", () => {
      const heading = button.closest("th");
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of overview.querySelectorAll("thead [aria-sort]")) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      for (const body of overview.tBodies) {
        const rows = [...body.rows].filter((row) => !row.classList.contains("group"));
        rows.sort((a, b) => {
          const [x, y] = [keyOf(a, heading.cellIndex), keyOf(b, heading.cellIndex)];
          const order = typeof x === "number" ? x - y || 0 : x.localeCompare(y, undefined, { numeric: true });
          return down ? -order : order;
        });
        body.append(...rows);
      }
    });
  }
  const filter = document.getElementById("filter");
  if (filter) {
    filter.addEventListener("input", () => {
      const wanted = filter.value.toLowerCase().split(/\s+/);
      for (const row of overview.querySelectorAll("tbody tr:not(.group)")) {
        row.hidden = !wanted.every((word) => row.textContent.toLowerCase().includes(word));
      }
    });
  }

  // A page is printed whole: what is folded opens, and every chart is drawn.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = true;
    for (const box of document.querySelectorAll(".chart")) {
      if (box.draw && !drawn.has(box)) {
        drawn.set(box, true);
        box.draw();
      }
    }
  });
  window.addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });
  dark.addEventListener("change", () => {
    drawTogether();
    for (const box of drawn.keys()) if (box.isConnected) box.draw();
  });
})();
