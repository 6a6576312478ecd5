// What the tests run in Chromium: subscribing, publishing, and a list of what each subscription saw, oldest first.
import { fetchEventSource } from "/npm/@microsoft/fetch-event-source/lib/esm/index";

const seen = {};
const sources = {};

function nextName(kind) {
  const name = `${kind}-${Object.keys(seen).length}`;
  seen[name] = [];
  return name;
}

/** The browser's own client. `message` is heard through `onmessage`, every other name through a listener. */
function eventSource(url, names) {
  const name = nextName("EventSource");
  const note = (what) => seen[name].push(what);
  const noteEvent = (event) =>
    note({ kind: "event", name: event.type, data: event.data, id: event.lastEventId });
  const source = new EventSource(url);
  sources[name] = source;
  source.onopen = () => note({ kind: "open" });
  source.onerror = () => note({ kind: "error", state: source.readyState });
  source.onmessage = noteEvent;
  for (const other of names.filter((name) => name !== "message")) {
    source.addEventListener(other, noteEvent);
  }
  return name;
}

/** As its README has it. Headless pages may count as hidden, hence `openWhenHidden`. */
function fetchEventSourceClient(url) {
  const name = nextName("fetchEventSource");
  const note = (what) => seen[name].push(what);
  fetchEventSource(url, {
    openWhenHidden: true,
    onopen: async (response) => note(response.status === 200 ? { kind: "open" } : { kind: "refused", status: response.status }),
    onmessage: (event) => note({ kind: "event", name: event.event || "message", data: event.data, id: event.id }),
    onclose: () => note({ kind: "closed" }),
    onerror: (error) => note({ kind: "error", detail: String(error) }),
  });
  return name;
}

/** A request of the page: the status and the body, or the browser's refusal to tell them. */
async function request(url, options) {
  try {
    const response = await fetch(url, options);
    return { status: response.status, body: await response.text(), cursor: response.headers.get("last-event-id") };
  } catch (error) {
    return { failed: String(error) };
  }
}

globalThis.e2e = { seen, sources, eventSource, fetchEventSource: fetchEventSourceClient, request };
