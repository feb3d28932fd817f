// Asks /livez, /readyz and /metrics every few seconds and shows the answers.
"use strict";

async function light(id) {
  const box = document.getElementById(id);
  let good = false, words = "no answer";
  try {
    const answer = await fetch(`/${id}`);
    const body = await answer.json();
    good = answer.ok;
    words = good ? `${body.status} at ${body.time.slice(0, 19)}Z` : body.detail;
    if (good) document.getElementById("version").textContent = `${body.version}, ${body.go}`;
  } catch { /* shown as no answer */ }
  box.className = good ? "good" : "bad";
  box.lastElementChild.textContent = words;
}

// The few lines of the Prometheus text format that the table needs.
function parse(text) {
  const routes = new Map();
  for (const line of text.split("\n")) {
    const m = line.match(/^medcard_http_request(s_total|_seconds_sum|_seconds_count)\{(.*)\} (\S+)$/);
    if (!m) continue;
    const labels = Object.fromEntries([...m[2].matchAll(/(\w+)="([^"]*)"/g)].map((x) => [x[1], x[2]]));
    const key = `${labels.method} ${labels.route}`;
    const r = routes.get(key) || { answers: 0, errors: 0, seconds: 0, count: 0 };
    if (m[1] === "s_total") { r.answers += Number(m[3]); if (labels.status >= "500") r.errors += Number(m[3]); }
    if (m[1] === "_seconds_sum") r.seconds = Number(m[3]);
    if (m[1] === "_seconds_count") r.count = Number(m[3]);
    routes.set(key, r);
  }
  return routes;
}

async function table() {
  const routes = parse(await (await fetch("/metrics")).text());
  const body = document.getElementById("routes");
  body.replaceChildren(...[...routes].sort((a, b) => b[1].answers - a[1].answers).map(([name, r]) => {
    const row = document.createElement("tr");
    for (const value of [name, r.answers, r.errors, r.count ? (1000 * r.seconds / r.count).toFixed(2) : "–"]) {
      const cell = document.createElement("td");
      cell.textContent = value;
      row.append(cell);
    }
    return row;
  }));
}

const look = () => Promise.allSettled([light("livez"), light("readyz"), table()]);
look();
setInterval(look, 5000);
