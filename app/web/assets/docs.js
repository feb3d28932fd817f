// Draws /openapi.json as a page. Text only ever enters the page as text, never as markup.
"use strict";

const el = (name, className, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

// A schema as a short outline: {name: type, ...}, references followed a few levels deep.
function outline(doc, schema, depth = 0) {
  if (!schema) return "";
  if (schema.$ref) return outline(doc, doc.components.schemas[schema.$ref.split("/").pop()], depth);
  const indent = "  ".repeat(depth + 1);
  if (schema.properties) {
    if (depth > 3) return "{…}";
    const required = new Set(schema.required || []);
    const lines = Object.entries(schema.properties).map(([name, value]) => {
      const note = value.description ? `   — ${value.description}` : "";
      return `${indent}${name}${required.has(name) ? "" : "?"}: ${outline(doc, value, depth + 1)}${note}`;
    });
    return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
  }
  const type = [].concat(schema.type || "any").join(" | ");
  if (schema.items) return `[${outline(doc, schema.items, depth)}]`;
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(" | ");
  return schema.format ? `${type} (${schema.format})` : type;
}

function operation(doc, method, path, op) {
  const box = el("details", "operation");
  const head = el("summary");
  head.append(el("b", `method ${method}`, method.toUpperCase()), el("code", "", path), el("span", "", op.summary || ""));
  box.append(head);
  if (op.description) box.append(el("p", "", op.description));
  for (const p of op.parameters || []) {
    const line = el("p", "parameter");
    line.append(el("code", "", p.name), el("span", "", ` in ${p.in}${p.required ? ", required" : ""}. ${p.description || ""}`));
    box.append(line);
  }
  for (const [type, media] of Object.entries((op.requestBody && op.requestBody.content) || {})) {
    box.append(el("h4", "", `Body (${type})`), el("pre", "", outline(doc, media.schema) || "bytes"));
  }
  for (const [status, answer] of Object.entries(op.responses || {})) {
    if (status === "default") continue;
    box.append(el("h4", "", `${status} ${answer.description || ""}`));
    for (const media of Object.values(answer.content || {})) if (media.schema) box.append(el("pre", "", outline(doc, media.schema)));
  }
  box.dataset.find = `${method} ${path} ${op.summary || ""} ${op.operationId}`.toLowerCase();
  return box;
}

async function draw() {
  const doc = await (await fetch("/openapi.json")).json();
  document.getElementById("version").textContent = doc.info.version;
  document.getElementById("about").textContent = doc.info.description;
  const byTag = new Map();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const [method, op] of Object.entries(item)) {
      const tag = (op.tags && op.tags[0]) || "other";
      if (!byTag.has(tag)) byTag.set(tag, []);
      byTag.get(tag).push(operation(doc, method, path, op));
    }
  }
  const list = document.getElementById("operations");
  for (const [tag, boxes] of [...byTag].sort()) {
    const section = el("section");
    section.append(el("h2", "", tag), ...boxes);
    list.append(section);
  }
  document.getElementById("find").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const box of list.querySelectorAll(".operation")) box.hidden = !words.every((w) => box.dataset.find.includes(w));
  });
}

draw().catch(() => { document.getElementById("about").textContent = "The document /openapi.json could not be read. Is the server up?"; });
