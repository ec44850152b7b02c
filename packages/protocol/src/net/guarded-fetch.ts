import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { LRUCache } from 'lru-cache';
import { Agent, fetch } from 'undici';
import { type Resolve, resolveNamed } from './resolved-address.ts';

/** One agent for each configured host and resolver; an agent closes its idle connections by itself. */
const MAX_AGENTS = 100;
const agents = new WeakMap<Resolve, LRUCache<string, Agent>>();

/**
 * The fetch of undici with an agent that checks each resolved address against `anchor` before it connects. This file is
 * loaded when the first such request is made, because undici takes a while to load.
 */
export async function guardedFetch(url: string, init: RequestInit, anchor: URL, resolve: Resolve): Promise<Response> {
  // the two declarations of RequestInit differ only in types that are not used here
  const answer = await fetch(url, { ...(init as object), dispatcher: agentFor(anchor, resolve) });
  const hasBody = answer.body !== null && ![204, 205, 304].includes(answer.status);
  return new Response(hasBody ? (answer.body as ReadableStream<Uint8Array>) : null, {
    status: answer.status,
    statusText: answer.statusText,
    headers: [...answer.headers],
  });
}

function agentFor(anchor: URL, resolve: Resolve): Agent {
  let known = agents.get(resolve);
  if (known === undefined) {
    known = new LRUCache({ max: MAX_AGENTS, dispose: (agent) => void agent.close() });
    agents.set(resolve, known);
  }
  let agent = known.get(anchor.hostname);
  if (agent === undefined) {
    agent = new Agent({ connect: { lookup: guardedLookup(anchor, resolve) } });
    known.set(anchor.hostname, agent);
  }
  return agent;
}

/** A `lookup` for sockets that hands over addresses only after they were checked. */
function guardedLookup(anchor: URL, resolve: Resolve): LookupFunction {
  const checked = callbackify(resolveNamed);
  return (hostname, { all }, callback) => {
    checked(hostname, anchor, resolve, (error, addresses) => {
      if (error !== null) return callback(error, '');
      const [first] = addresses;
      if (all === true) return callback(null, [...addresses]);
      if (first === undefined) return callback(new Error(`${hostname} has no address`), '');
      return callback(null, first.address, first.family);
    });
  };
}
