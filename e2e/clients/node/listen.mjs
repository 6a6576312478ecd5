// Reads a stream with the npm package eventsource and writes one JSON object a line for each thing it sees.
import { createRequire } from "node:module";

// An ES module finds packages only next to itself; these are installed elsewhere.
const { EventSource } = createRequire(process.env.E2E_NODE_PACKAGES)("eventsource");

const [url, ...names] = process.argv.slice(2);
const note = (what) => console.log(JSON.stringify(what));
const noteEvent = (event) => note({ kind: "event", name: event.type, data: event.data, id: event.lastEventId });

const source = new EventSource(url);
source.onopen = () => note({ kind: "open" });
source.onerror = (event) => note({ kind: "error", state: source.readyState, detail: `${event.code} ${event.message}` });
source.onmessage = noteEvent;
for (const name of names.filter((name) => name !== "message")) {
  source.addEventListener(name, noteEvent);
}
