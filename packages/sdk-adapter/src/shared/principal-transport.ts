import type { ServicePrincipal } from '@credence/core';
import { EventStream } from './event-stream.ts';
import type { JsonMembers } from '../schema/json-value.ts';
import type { SchemaLimits } from '../schema/limits.ts';
import { type SafeSchemaValidator, safeSchemaValidator } from '../schema/safe-schema-validator.ts';
import { ListedTools } from './listed-tools.ts';
import { OpenCalls } from './open-calls.ts';
import { type SdkFetch, withinOrigin } from './redirects.ts';
import { Replies } from './replies.ts';
import { type OpenableTransport, takingTokenFirst } from './token-first.ts';

/** The functions that create the transports of one SDK. */
export interface TransportFactories<Http, Sse> {
  readonly http: (url: URL, fetch: SdkFetch) => Http;
  /** `streamFetch` opens the event stream; `fetch` sends everything else. */
  readonly sse: (url: URL, fetch: SdkFetch, streamFetch: SdkFetch) => Sse;
  /** Whether the SDK accepts a value as a tool in a list, in the protocol revision of the transport. */
  readonly isTool: (value: JsonMembers, transport: Http | Sse) => boolean;
}

const listedTools = new WeakMap<object, ListedTools>();

/** The validator for a client that is connected with this transport. It reports an unusable schema with the name of the tool. */
export function validatorFor(
  transport: object,
  { schemaLimits }: { schemaLimits?: SchemaLimits },
): SafeSchemaValidator {
  return safeSchemaValidator({
    ...(schemaLimits && { limits: schemaLimits }),
    onUnusable: (report) => listedTools.get(transport)?.unusable(report),
  });
}

/**
 * Creates a transport of an SDK for a server. Its fetch adds the principal's access tokens and follows redirects within the
 * origin. Its `start` gets the token before it opens the connection. It leaves out tools, and output schemas, that would make the
 * SDK refuse a whole list.
 */
export function principalTransport<Http extends OpenableTransport, Sse extends OpenableTransport>(
  bot: ServicePrincipal,
  server: string | URL,
  options: { transport?: 'http' | 'sse'; fetch?: SdkFetch; schemaLimits?: SchemaLimits },
  create: TransportFactories<Http, Sse>,
): Http | Sse {
  const { name, url } = bot.server(server);
  const calls = new OpenCalls();
  // Over HTTP+SSE the responses arrive in the stream of the transport, not as the responses to POST.
  const replies = options.transport === 'sse' ? undefined : new Replies(bot, name);
  const fetch = calls.watching(withinOrigin(options.fetch ?? bot.fetchFor(name), { name, url }), replies);
  const { schemaLimits: limits } = options;
  const checked = <Transport extends Http | Sse>(transport: Transport): Transport => {
    const isTool = (value: JsonMembers) => create.isTool(value, transport);
    return receivingFor(transport, new ListedTools(bot, name, { isTool, limits }), calls);
  };
  if (options.transport !== 'sse') return takingTokenFirst(checked(create.http(url, fetch)), bot, name);
  const stream = new EventStream(fetch, calls);
  return takingTokenFirst(checked(create.sse(url, fetch, stream.fetch)), bot, name, stream);
}

/** A client of either SDK calls the listener that a transport has already, before it reads a message itself. */
function receivingFor<Transport extends OpenableTransport>(
  transport: Transport,
  tools: ListedTools,
  calls: OpenCalls,
): Transport {
  listedTools.set(transport, tools);
  const received = Object.assign(transport, {
    onmessage: (message: object) => {
      tools.check(message, calls.received(message));
    },
  });
  calls.deliverBy((message) => received.onmessage(message));
  return received;
}

/** Returns only `requestInit`, the one HTTP option that an SSE transport also accepts. */
export function requestInitOf({ http }: { http?: { requestInit?: RequestInit } }): { requestInit?: RequestInit } {
  return http?.requestInit === undefined ? {} : { requestInit: http.requestInit };
}
