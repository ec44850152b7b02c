import { isLoopback } from './address.ts';
import { defaultFetch, environmentProxyFetch, type FetchLike, nativeFetch } from './fetch-like.ts';
import { globalRouting } from './global-routing.ts';
import { PROXY_VARIABLES, type EnvironmentVariables } from './proxy-variables.ts';

/**
 * The name of the environment variable that names a proxy for `url`, and whether `fetch` sends the request through that proxy.
 * Undefined if no proxy is named for it, or if it is not known how `fetch` sends requests.
 */
export function environmentProxy(
  url: string,
  fetch: FetchLike,
  env: EnvironmentVariables = process.env,
): { readonly variable: string; readonly isUsed: boolean } | undefined {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  // undici sends an https request through HTTP_PROXY if there is no HTTPS_PROXY.
  const variable =
    (protocol === 'https:' ? definedOf(PROXY_VARIABLES['https:'], env) : undefined) ??
    definedOf(PROXY_VARIABLES['http:'], env);
  const portNumber = port === '' ? { 'http:': '80', 'https:': '443' }[protocol] : port;
  if (variable === undefined || isExempt(hostname, portNumber, env['no_proxy'] ?? env['NO_PROXY'] ?? ''))
    return undefined;
  if (fetch === environmentProxyFetch) return { variable, isUsed: true };
  if ((fetch !== defaultFetch && fetch !== nativeFetch) || globalThis.fetch !== nativeFetch) return undefined;
  const routing = globalRouting();
  if (routing === 'unresolved') return undefined;
  // A proxy is seldom meant for this machine, so a missing one is not the cause.
  if (routing === 'direct' && isLoopback(hostname)) return undefined;
  return { variable, isUsed: routing === 'environment-proxy' };
}

function definedOf(names: readonly string[], env: EnvironmentVariables): string | undefined {
  const name = names.find((candidate) => env[candidate] !== undefined);
  return name === undefined || env[name] === '' ? undefined : name;
}

/** Whether NO_PROXY names the host, by the rules of undici: hosts, which include their subdomains, with or without a port. */
function isExempt(hostname: string, port: string, noProxy: string): boolean {
  if (noProxy === '*') return true;
  return noProxy.split(/[\s,]/u).some((entry) => {
    const [, host = entry, entryPort] = /^(.+):(\d+)$/u.exec(entry) ?? [];
    if (entry === '' || (entryPort !== undefined && entryPort !== port)) return false;
    const name = host.replace(/^\*?\./u, '').toLowerCase();
    return hostname === name || hostname.endsWith(`.${name}`);
  });
}
