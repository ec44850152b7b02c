import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { LRUCache } from 'lru-cache';
import { Agent, EnvHttpProxyAgent, fetch } from 'undici';
import { proxyVariables } from './proxy-variables.ts';
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
  return fetchBy(agentFor(guard), url, init);
}

/** The agent of {@link proxiedFetch}, and the variables that it was made for. */
let proxied: { readonly variables: string; readonly agent: EnvHttpProxyAgent } | undefined;

/** Calls undici's fetch with an agent for the proxy that the environment names. */
export async function proxiedFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const variables = JSON.stringify(proxyVariables());
  if (proxied?.variables !== variables) {
    void proxied?.agent.close();
    proxied = { variables, agent: new EnvHttpProxyAgent() };
  }
  if (!(input instanceof Request)) return fetchBy(proxied.agent, input, init);
  const { method, headers, body, signal, redirect } = input;
  const stream = body === null ? {} : { body, duplex: 'half' as const };
  return fetchBy(proxied.agent, input.url, { method, headers, signal, redirect, ...stream, ...init });
}

/** The response of undici's fetch as a Response of the global class. */
async function fetchBy(dispatcher: Agent | EnvHttpProxyAgent, url: string | URL, init: RequestInit): Promise<Response> {
  // The RequestInit of undici and the global one differ only in members that are not used here.
  const { headers, ...rest } = init as { headers?: ConstructorParameters<typeof Headers>[0] };
  const answer = await fetch(url, { ...rest, headers: [...new Headers(headers)], dispatcher });
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
  const key = `${usesEnvironmentProxy ? JSON.stringify(proxyVariables()) : 'direct'} ${configuredUrl.hostname}`;
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
