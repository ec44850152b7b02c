import { parsedUrl } from '../text/parsed-url.ts';

/** The environment variables of a process. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** The variables that name a proxy, by the scheme of the requested URL. The first that is defined counts, as in undici. */
export const PROXY_VARIABLES = {
  'http:': ['http_proxy', 'HTTP_PROXY'],
  'https:': ['https_proxy', 'HTTPS_PROXY'],
} as const;

/** The values of the variables that name proxies and exceptions. */
export function proxyVariables(env: EnvironmentVariables = process.env): readonly (string | undefined)[] {
  return [...PROXY_VARIABLES['http:'], ...PROXY_VARIABLES['https:'], 'no_proxy', 'NO_PROXY'].map((name) => env[name]);
}

/** The name of a variable whose value is not the http or https URL of a proxy. Its value is not returned: it can contain a password. */
export function invalidProxyVariable(env: EnvironmentVariables = process.env): string | undefined {
  return [...PROXY_VARIABLES['http:'], ...PROXY_VARIABLES['https:']].find((name) => {
    const value = env[name];
    return value !== undefined && value !== '' && !/^https?:$/u.test(parsedUrl(value)?.protocol ?? '');
  });
}
