import type { ServicePrincipal } from '@credence/core';
import { EventStream } from './event-stream.ts';
import { type SdkFetch, withinOrigin } from './redirects.ts';
import { type OpenableTransport, takingTokenFirst } from './token-first.ts';

/** How one SDK makes its transports. */
export interface TransportFactories<Http, Sse> {
  readonly http: (url: URL, fetch: SdkFetch) => Http;
  /** `streamFetch` opens the event stream; `fetch` sends everything else. */
  readonly sse: (url: URL, fetch: SdkFetch, streamFetch: SdkFetch) => Sse;
}

/** The transport of an SDK to a server, with the principal's tokens, redirects within the origin, and the token first. */
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

/** `requestInit` alone: the only option of a transport that SSE takes too. */
export function requestInitOf({ http }: { http?: { requestInit?: RequestInit } }): { requestInit?: RequestInit } {
  return http?.requestInit === undefined ? {} : { requestInit: http.requestInit };
}
