// The rldoctor tab of TensorBoard. Names of runs come from strangers: they are only ever set as text.

const STYLE = `
  body { font: 14px/1.45 system-ui, sans-serif; margin: 16px; color: #212121; background: #fff; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid #ddd; vertical-align: top; }
  th { font-weight: 600; color: #555; }
  .sick { color: #b00020; font-weight: 700; } .suspect { color: #9a5b00; font-weight: 700; }
  .healthy { color: #1b6e2d; font-weight: 700; } .unjudged { color: #00616b; font-weight: 700; }
  .more { color: #555; font-size: 13px; } progress { width: 90px; }
  iframe { width: 100%; height: 1400px; border: 1px solid #ddd; margin-top: 16px; }
`;
const SECONDS = 15;

function add(parent, tag, text = "", kind = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  parent.append(made);
  return made;
}

function row(body, run) {
  const line = add(body, "tr");
  add(line, "td", run.path);
  const young = run.verdict === "unjudged" && run.state === "running";
  add(line, "td", young ? "too young" : run.verdict, run.verdict);
  const why = add(line, "td", run.cause ? `${run.cause} (${Math.round(100 * run.confidence)} %)` : "");
  for (const text of [run.since && run.cause ? `since step ${run.since.toLocaleString("en")}` : "", run.remedy, run.withdrawn_when])
    if (text) add(why, "div", text, "more");
  const progress = add(line, "td", run.planned ? "" : `${run.step.toLocaleString("en")} steps`);
  if (run.planned) {
    const bar = add(progress, "progress");
    bar.max = run.planned;
    bar.value = run.step;
    add(progress, "div", `${run.step.toLocaleString("en")} of ${run.planned.toLocaleString("en")}`, "more");
  }
  add(line, "td", run.state);
}

async function show(place) {
  const answer = await (await fetch("./runs.json")).json();
  place.replaceChildren();
  if (answer.error || !answer.runs.length) {
    add(place, "p", answer.error || `No run in ${answer.folder} yet.`);
    return;
  }
  const table = add(place, "table");
  const head = add(add(table, "thead"), "tr");
  for (const name of ["run", "verdict", "most likely cause", "progress", "state"]) add(head, "th", name);
  const body = add(table, "tbody");
  answer.runs.forEach((run) => row(body, run));
}

export async function render() {
  add(document.head, "style", STYLE);
  const place = add(document.body, "div");
  place.id = "runs";
  await show(place);
  const report = add(document.body, "iframe");
  report.title = "report";
  report.src = "./report.html";
  setInterval(() => show(place), 1000 * SECONDS);
}
