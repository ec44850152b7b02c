import { isList, isMembers, type JsonMembers } from '../schema/json-value.ts';

export type RequestId = string | number;

/** The JSON-RPC messages in the body of an HTTP request. */
export interface SentMessages {
  /** The requests. */
  readonly requests: readonly { readonly id: RequestId; readonly method: unknown }[];
  /** The ids of the requests. */
  readonly ids: readonly RequestId[];
  /**
   * The ids of the requests whose response must be in the event stream that answers them, before it ends: not those of subscriptions, nor
   * of `server/discover`, whose response is read before the client is connected.
   */
  readonly answered: readonly RequestId[];
  /** The id of `server/discover`, with which a client of revision 2026-07-28 asks for the revisions of the server. */
  readonly probe: RequestId | undefined;
  /** The ids of requests that these messages cancel. */
  readonly cancelled: readonly RequestId[];
}

const NONE: SentMessages = { requests: [], ids: [], answered: [], probe: undefined, cancelled: [] };

/** Reads a body. Both SDKs send strings. */
export function sentMessages(body: RequestInit['body']): SentMessages {
  if (typeof body !== 'string') return NONE;
  const messages = parsedList(body).filter(isMembers);
  const requests = messages.filter((message) => 'method' in message && isRequestId(message.id));
  return {
    requests: requests.flatMap((request) => idOf(request).map((id) => ({ id, method: request.method }))),
    ids: requests.flatMap(idOf),
    answered: requests
      .filter(({ method }) => !/^(?:subscriptions\/|server\/discover$)/u.test(String(method)))
      .flatMap(idOf),
    probe: requests.filter(({ method }) => method === 'server/discover').flatMap(idOf)[0],
    cancelled: messages.flatMap(({ method, params }) =>
      method === 'notifications/cancelled' && isMembers(params) && isRequestId(params.requestId)
        ? [params.requestId]
        : [],
    ),
  };
}

function parsedList(text: string): readonly unknown[] {
  try {
    const sent: unknown = JSON.parse(text);
    return isList(sent) ? sent : [sent];
  } catch {
    return [];
  }
}

function idOf({ id }: JsonMembers): readonly RequestId[] {
  return isRequestId(id) ? [id] : [];
}

export function isRequestId(id: unknown): id is RequestId {
  return typeof id === 'string' || typeof id === 'number';
}
