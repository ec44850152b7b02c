import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { LRUCache } from 'lru-cache';
import { Agent, EnvHttpProxyAgent, fetch } from 'undici';
import { type Resolve, resolveNamed } from './resolved-address.ts';

/**
 * The maximum number of undici agents for one resolver function. Each configured host has an agent, which closes idle
 * connections.
 */
const MAX_AGENTS = 100;
const agents = new WeakMap<Resolve, LRUCache<string, Agent | EnvHttpProxyAgent>>();

/** What the address check of a request needs. */
export interface AddressGuard {
  /** The configured URL of the peer whose metadata contains the requested URL. */
  readonly configuredUrl: URL;
  readonly resolve: Resolve;
  /** Whether the request goes through the proxy that the environment names. The addresses of hosts in NO_PROXY are checked. */
  readonly usesEnvironmentProxy: boolean;
}

/**
 * Calls undici's fetch with an agent that checks each resolved address against `configuredUrl` before it connects. This file is
 * imported at the first such request, because loading undici is slow.
 */
export async function guardedFetch(url: string, init: RequestInit, guard: AddressGuard): Promise<Response> {
  // The RequestInit of undici and the global one differ only in members that are not used here.
  const answer = await fetch(url, { ...(init as object), dispatcher: agentFor(guard) });
  try {
    const hasBody = answer.body !== null && ![204, 205, 304].includes(answer.status);
    const body = hasBody ? (answer.body as ReadableStream<Uint8Array>) : null;
    return new Response(body, { status: answer.status, headers: [...answer.headers] });
  } catch (error) {
    // A Response cannot have a status above 599. The body must be cancelled, or it would keep its connection open.
    await answer.body?.cancel();
    throw error;
  }
}

function agentFor({ configuredUrl, resolve, usesEnvironmentProxy }: AddressGuard): Agent | EnvHttpProxyAgent {
  let known = agents.get(resolve);
  if (known === undefined) {
    known = new LRUCache({ max: MAX_AGENTS, dispose: (agent) => void agent.close() });
    agents.set(resolve, known);
  }
  const key = `${usesEnvironmentProxy ? 'proxy' : 'direct'} ${configuredUrl.hostname}`;
  let agent = known.get(key);
  if (agent === undefined) {
    const options = { connect: { lookup: guardedLookup(configuredUrl, resolve) } };
    agent = usesEnvironmentProxy ? new EnvHttpProxyAgent(options) : new Agent(options);
    known.set(key, agent);
  }
  return agent;
}

/** A `lookup` function for sockets that returns addresses only if all of them are allowed. */
function guardedLookup(configuredUrl: URL, resolve: Resolve): LookupFunction {
  const resolveChecked = callbackify(resolveNamed);
  return (hostname, { all }, callback) => {
    resolveChecked(hostname, configuredUrl, resolve, (error, addresses) => {
      if (error !== null) return callback(error, '');
      if (all === true) return callback(null, [...addresses]);
      const [first] = addresses;
      return callback(null, first?.address ?? '', first?.family);
    });
  };
}
