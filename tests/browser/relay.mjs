// A relay of WalletConnect for tests: passes on encrypted messages by topic, and keeps those that
// nobody was there for.

import { WebSocketServer } from "ws";

/** Starts a relay at a free port of this computer: its address, and how many came to it so far. */
export async function startRelay() {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((listening) => server.once("listening", listening));
  const [subscribers, kept] = [new Map(), new Map()];
  let count = 0;

  const push = (socket, topic, message) => {
    const data = { topic, message, publishedAt: Date.now(), tag: 0 };
    const params = { id: topic, data };
    count += 1;
    const id = Date.now() * 1_000 + count;
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, method: "irn_subscription", params }));
  };
  const publish = (from, topic, message) => {
    kept.set(topic, [...(kept.get(topic) ?? []), { from, message }]);
    for (const to of subscribers.get(topic) ?? []) if (to !== from) push(to, topic, message);
  };
  const subscribe = (socket, topic) => {
    const all = subscribers.get(topic) ?? new Set();
    const isNew = !all.has(socket);
    subscribers.set(topic, all.add(socket));
    if (!isNew) return topic;
    // Whoever was sent one already knows it by its hash.
    for (const { from, message } of kept.get(topic) ?? []) {
      if (from !== socket) push(socket, topic, message);
    }
    return topic;
  };
  const answers = {
    irn_publish: (socket, { topic, message }) => publish(socket, topic, message) ?? true,
    irn_subscribe: (socket, { topic }) => subscribe(socket, topic),
    irn_batchSubscribe: (socket, { topics }) => topics.map((topic) => subscribe(socket, topic)),
    irn_unsubscribe: (socket, { topic }) => subscribers.get(topic)?.delete(socket) ?? false,
    irn_batchFetchMessages: () => ({ messages: [], hasMore: false }),
    wc_proposeSession: (socket, { pairingTopic, sessionProposal }) => {
      publish(socket, pairingTopic, sessionProposal);
      subscribe(socket, pairingTopic);
      return true;
    },
    wc_approveSession: (socket, asked) => {
      const { pairingTopic, sessionTopic } = asked;
      subscribe(socket, sessionTopic);
      publish(socket, pairingTopic, asked.sessionProposalResponse);
      publish(socket, sessionTopic, asked.sessionSettlementRequest);
      return true;
    },
  };
  const relay = { url: `ws://127.0.0.1:${server.address().port}`, visits: 0 };
  server.on("connection", (socket) => {
    relay.visits += 1;
    socket.on("message", (bytes) => {
      const { id, method, params } = JSON.parse(bytes);
      // An answer to what was pushed.
      if (!method) return;
      const answer = answers[method];
      const told = answer
        ? { result: answer(socket, params) }
        : { error: { code: -32601, message: `${method} is not known` } };
      if (!answer) console.error(`the relay was asked ${method}`);
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, ...told }));
    });
    socket.on("close", () => {
      for (const all of subscribers.values()) all.delete(socket);
    });
  });
  return relay;
}
