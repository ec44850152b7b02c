/** The global property in which Node.js and undici store the dispatcher of the global fetch. */
const GLOBAL_DISPATCHER = Symbol.for('undici.globalDispatcher.1');
/** The same in Node.js 26 and later, which stores a `Dispatcher1Wrapper` of the dispatcher in the other property. */
const GLOBAL_DISPATCHER_2 = Symbol.for('undici.globalDispatcher.2');
/** Dispatchers that resolve no host name: proxies, and those that answer by themselves in a test. */
const NO_RESOLVERS = new Set(['ProxyAgent', 'Socks5ProxyAgent', 'MockAgent', 'MockPool', 'MockClient']);

/**
 * How the global fetch sends a request.
 * - `direct`: this process resolves the host name. Also assumed for a dispatcher that is not known.
 * - `environment-proxy`: through the proxy that HTTPS_PROXY or HTTP_PROXY names, unless NO_PROXY names the host.
 * - `unresolved`: through a dispatcher that this process set and that resolves no host name.
 */
export function globalRouting(): 'direct' | 'environment-proxy' | 'unresolved' {
  const [first, second] = [GLOBAL_DISPATCHER, GLOBAL_DISPATCHER_2].map((key) =>
    className(Reflect.get(globalThis, key)),
  );
  const dispatcher = first === 'Dispatcher1Wrapper' ? second : first;
  if (dispatcher === 'EnvHttpProxyAgent') return 'environment-proxy';
  return dispatcher !== undefined && NO_RESOLVERS.has(dispatcher) ? 'unresolved' : 'direct';
}

function className(dispatcher: unknown): string | undefined {
  return typeof dispatcher === 'object' && dispatcher !== null ? dispatcher.constructor.name : undefined;
}
