import { isList, isMembers } from '../schema/json-value.ts';

export type RequestId = string | number;

/** What a client sends in the body of one request. */
export interface SentMessages {
  /** The ids of the JSON-RPC requests. */
  readonly requests: readonly RequestId[];
  /** The ids of the requests that the body cancels. */
  readonly cancelled: readonly RequestId[];
  /** The ids of the requests of the server that the body responds to. */
  readonly responses: readonly RequestId[];
}

const NOTHING: SentMessages = { requests: [], cancelled: [], responses: [] };

/** The messages in a body. Both SDKs send strings. */
export function sentMessages(body: RequestInit['body']): SentMessages {
  if (typeof body !== 'string') return NOTHING;
  try {
    const sent: unknown = JSON.parse(body);
    const messages = (isList(sent) ? sent : [sent]).filter(isMembers);
    return {
      requests: messages.flatMap(({ method, id }) => (method !== undefined && isRequestId(id) ? [id] : [])),
      cancelled: messages.flatMap(({ method, params }) =>
        method === 'notifications/cancelled' && isMembers(params) && isRequestId(params.requestId)
          ? [params.requestId]
          : [],
      ),
      responses: messages.flatMap(({ method, id }) => (method === undefined && isRequestId(id) ? [id] : [])),
    };
  } catch {
    return NOTHING;
  }
}

export function isRequestId(id: unknown): id is RequestId {
  return typeof id === 'string' || typeof id === 'number';
}

/** A fetch that also gets the messages in its body, so that they are parsed once. */
export type SendingFetch = (url: string | URL, init: RequestInit | undefined, sent: SentMessages) => Promise<Response>;
