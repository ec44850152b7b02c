import type { ServicePrincipal } from '@credence/core';

/** The principal's fetch is the global one for every caller: code that has a Request, a URL or a text. */
export async function asGlobalFetch(bot: ServicePrincipal): Promise<readonly Response[]> {
  const fetch: typeof globalThis.fetch = bot.fetchFor('issues');
  const url = new URL('https://mcp.example/mcp');
  return [await fetch(url), await fetch(url.href, { method: 'POST' }), await fetch(new Request(url))];
}
