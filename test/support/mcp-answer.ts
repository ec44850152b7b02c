import type { PeerAnswer, PeerHandler } from './peer.ts';

interface Message {
  readonly id?: unknown;
  readonly method?: string;
}

/** The message in the body of a request. */
export function messageIn(body: string): Message {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** The response of an MCP server to `initialize`. */
export function initializeResult(id: unknown, members: object = {}): object {
  return {
    jsonrpc: '2.0',
    id,
    result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'peer', version: '1' }, ...members },
  };
}

/** An MCP server of the 2025 revisions without sessions. A POST that is not a message of the session's start is answered with 400. */
export function mcpAnswer(members: object = {}): PeerHandler {
  return ({ body }): PeerAnswer => {
    const { id, method } = messageIn(body);
    if (method === 'initialize') return { body: initializeResult(id, members) };
    return method?.startsWith('notifications/') ? { status: 202 } : { status: 400, body: 'unknown message' };
  };
}

/** An event stream with these events. A string is sent as it is. */
export function eventStream(...events: readonly (object | string)[]): PeerAnswer {
  const text = events.map((event) => (typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`));
  return { headers: { 'content-type': 'text/event-stream' }, body: text.join('') };
}
