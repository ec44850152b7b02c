import type { ServicePrincipal } from '@credence/core';
import { EventStream } from './event-stream.ts';
import { EventStreams } from './event-streams.ts';
import { acceptOnly, type ReceivingTransport } from './gate.ts';
import type { JsonMembers } from '../schema/json-value.ts';
import type { SchemaLimits } from '../schema/limits.ts';
import { type SafeSchemaValidator, safeSchemaValidator } from '../schema/safe-schema-validator.ts';
import { ListedTools, type ToolLeftOut } from './listed-tools.ts';
import { OpenCalls } from './open-calls.ts';
import { PresentedTokens } from './presented-tokens.ts';
import { type SdkFetch, withinOrigin } from './redirects.ts';
import { Replies } from './replies.ts';
import { ServerRequests } from './server-requests.ts';
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
  options: {
    transport?: 'http' | 'sse';
    fetch?: SdkFetch;
    schemaLimits?: SchemaLimits;
    onToolLeftOut?: (tool: ToolLeftOut) => void;
  },
  create: TransportFactories<Http, Sse>,
): Http | Sse {
  const { name, url } = bot.server(server);
  const calls = new OpenCalls();
  const tokens = new PresentedTokens();
  const requests = new ServerRequests(name);
  const sameOrigin = withinOrigin(options.fetch ?? bot.fetchFor(name), { name, url }, (text) => tokens.text(text));
  const streams = new EventStreams(name, calls);
  // Over HTTP+SSE the responses arrive in the stream of the transport, not as the responses to POST.
  const replies = options.transport === 'sse' ? undefined : new Replies(bot, name);
  const fetch = calls.watching(streams.limiting(requests.responding(tokens.removing(sameOrigin))), replies);
  const { schemaLimits: limits, onToolLeftOut } = options;
  const checked = <Transport extends Http | Sse>(transport: Transport): Transport => {
    const isTool = (value: JsonMembers) => create.isTool(value, transport);
    const tools = new ListedTools(bot, name, { isTool, limits, onToolLeftOut });
    return sending(receiving(transport, { tools, calls, requests, tokens }), tokens);
  };
  if (options.transport !== 'sse') return takingTokenFirst(checked(create.http(url, fetch)), bot, { name, tokens });
  const stream = new EventStream(fetch, calls);
  return takingTokenFirst(checked(create.sse(url, fetch, stream.fetch)), bot, { name, tokens }, stream);
}

interface Receivers {
  readonly tools: ListedTools;
  readonly calls: OpenCalls;
  readonly requests: ServerRequests;
  readonly tokens: PresentedTokens;
}

/** Checks the messages of the server before the client reads them. */
function receiving<Transport extends OpenableTransport>(
  transport: Transport,
  { tools, calls, requests, tokens }: Receivers,
): Transport {
  listedTools.set(transport, tools);
  let isEnded = false;
  acceptOnly(transport, (message) => {
    if (isEnded) return false;
    if ('method' in message) {
      const refusal = requests.received(message);
      if (!refusal) {
        tokens.message(message);
        return true;
      }
      calls.end(refusal);
      isEnded = true;
      transport.onerror?.(refusal);
      void transport.close();
      return false;
    }
    tokens.message(message);
    return true;
  });
  // A client of either SDK calls the listener that a transport has already, before it reads a message itself.
  const received: Transport & ReceivingTransport = Object.assign(transport, {
    onmessage: (message: object) => {
      tools.check(message, calls.received(message));
    },
  });
  calls.deliverBy((message) => received.onmessage?.(message));
  return received;
}

/** The errors of `send` have texts of the server. */
function sending<Transport extends OpenableTransport>(transport: Transport, tokens: PresentedTokens): Transport {
  const send: (...message: Parameters<Transport['send']>) => Promise<void> = transport.send.bind(transport);
  return Object.assign(transport, {
    async send(...message: Parameters<Transport['send']>): Promise<void> {
      try {
        await send(...message);
      } catch (error) {
        tokens.error(error);
        throw error;
      }
    },
  });
}

/** Returns only `requestInit`, the one HTTP option that an SSE transport also accepts. */
export function requestInitOf({ http }: { http?: { requestInit?: RequestInit } }): { requestInit?: RequestInit } {
  return http?.requestInit === undefined ? {} : { requestInit: http.requestInit };
}
