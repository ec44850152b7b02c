import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { LRUCache } from 'lru-cache';
import { Agent, fetch } from 'undici';
import { type Resolve, resolveNamed } from './resolved-address.ts';

/** The most agents for one resolver. There is one agent for each configured host, and it closes its idle connections. */
const MAX_AGENTS = 100;
const agents = new WeakMap<Resolve, LRUCache<string, Agent>>();

/**
 * Calls undici's fetch with an agent that checks each resolved address against `anchor` before it connects. This file is
 * imported at the first such request, because loading undici is slow.
 */
export async function guardedFetch(url: string, init: RequestInit, anchor: URL, resolve: Resolve): Promise<Response> {
  // The RequestInit of undici and the global one differ only in members that are not used here.
  const answer = await fetch(url, { ...(init as object), dispatcher: agentFor(anchor, resolve) });
  const hasBody = answer.body !== null && ![204, 205, 304].includes(answer.status);
  return new Response(hasBody ? (answer.body as ReadableStream<Uint8Array>) : null, {
    status: answer.status,
    statusText: answer.statusText,
    headers: [...answer.headers],
  });
}

function agentFor(anchor: URL, resolve: Resolve): Agent {
  let byHost = agents.get(resolve);
  if (byHost === undefined) {
    byHost = new LRUCache({ max: MAX_AGENTS, dispose: (agent) => void agent.close() });
    agents.set(resolve, byHost);
  }
  let agent = byHost.get(anchor.hostname);
  if (agent === undefined) {
    agent = new Agent({ connect: { lookup: guardedLookup(anchor, resolve) } });
    byHost.set(anchor.hostname, agent);
  }
  return agent;
}

/** A `lookup` function for sockets that returns addresses only if all of them are allowed. */
function guardedLookup(anchor: URL, resolve: Resolve): LookupFunction {
  const resolveChecked = callbackify(resolveNamed);
  return (hostname, { all }, callback) => {
    resolveChecked(hostname, anchor, resolve, (error, addresses) => {
      if (error !== null) return callback(error, '');
      const [first] = addresses;
      if (all === true) return callback(null, [...addresses]);
      if (first === undefined) return callback(new Error(`${hostname} has no address`), '');
      return callback(null, first.address, first.family);
    });
  };
}
