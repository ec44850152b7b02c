import type { ServicePrincipal } from '@credence/core';
import { EventStream } from './event-stream.ts';
import { type SdkFetch, withinOrigin } from './redirects.ts';
import { type OpenableTransport, takingTokenFirst } from './token-first.ts';

/** The functions that create the transports of one SDK. */
export interface TransportFactories<Http, Sse> {
  readonly http: (url: URL, fetch: SdkFetch) => Http;
  /** `streamFetch` opens the event stream; `fetch` sends everything else. */
  readonly sse: (url: URL, fetch: SdkFetch, streamFetch: SdkFetch) => Sse;
}

/**
 * Creates a transport of an SDK for a server. Its fetch adds the principal's access tokens and follows redirects within the
 * origin. Its `start` gets the token before it opens the connection.
 */
export function principalTransport<Http extends OpenableTransport, Sse extends OpenableTransport>(
  bot: ServicePrincipal,
  server: string | URL,
  options: { transport?: 'http' | 'sse'; fetch?: SdkFetch },
  create: TransportFactories<Http, Sse>,
): Http | Sse {
  const { name, url } = bot.server(server);
  const fetch = withinOrigin(options.fetch ?? bot.fetchFor(name), { name, url });
  if (options.transport !== 'sse') return takingTokenFirst(create.http(url, fetch), bot, name);
  const stream = new EventStream(fetch);
  return takingTokenFirst(create.sse(url, fetch, stream.fetch), bot, name, stream);
}

/** Returns only `requestInit`, the one HTTP option that an SSE transport also accepts. */
export function requestInitOf({ http }: { http?: { requestInit?: RequestInit } }): { requestInit?: RequestInit } {
  return http?.requestInit === undefined ? {} : { requestInit: http.requestInit };
}
