// A hub as better-sse's documentation has one do it: a session per client, in a channel per topic.
//
// It knows no history, and what a client does not take waits in the memory of this process, without a limit.

import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { createChannel, createSession } from "better-sse";

/** Connections that may wait to be accepted. Node's own 511 are few when all clients come at once. */
const BACKLOG = 4096;
const PREFIX = "/events/";
/** Data as it is: what JSON makes of a text has quotes around it, and costs time. */
const OPTIONS = { serializer: (data) => data };

/** @type {Map<string, import("better-sse").Channel>} */
const topics = new Map();
let lastId = 0;

function channelOf(topic) {
  let channel = topics.get(topic);
  if (!channel) {
    channel = createChannel();
    channel.on("session-deregistered", () => {
      if (channel.sessionCount === 0) topics.delete(topic);
    });
    topics.set(topic, channel);
  }
  return channel;
}

async function subscribe(topic, req, res) {
  const session = await createSession(req, res, OPTIONS);
  channelOf(topic).register(session);
}

function publish(topic, req, res) {
  const parts = [];
  req.on("data", (part) => parts.push(part));
  req.on("end", () => {
    lastId += 1;
    const data = Buffer.concat(parts).toString();
    topics.get(topic)?.broadcast(data, "message", { eventId: String(lastId) });
    res.writeHead(204).end();
  });
}

const server = createServer((req, res) => {
  const path = req.url.split("?", 1)[0];
  const topic = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : "";
  if (topic === "") {
    res.writeHead(404).end();
  } else if (req.method === "GET") {
    // Who is gone before the stream has begun is nobody's loss.
    subscribe(topic, req, res).catch(() => res.destroy());
  } else if (req.method === "POST") {
    publish(topic, req, res);
  } else {
    res.writeHead(405).end();
  }
});

const { values } = parseArgs({ options: { listen: { type: "string", default: "127.0.0.1:0" } } });
const [host, port] = values.listen.split(":");
server.listen({ host, port: Number(port), backlog: BACKLOG }, () => {
  const { address, port } = server.address();
  console.log(`listening on http://${address}:${port}`);
});
