import type { ServerResponse } from 'node:http';

/** Called before the head of a response is sent. If it returns a promise, nothing is sent until the promise resolves. */
export type OnHead = (status: number, sessionId: string | undefined) => Promise<void> | undefined;

/** The header of a session (MCP, Streamable HTTP), in lower case. */
export const SESSION_HEADER = 'mcp-session-id';

/** The methods of a response that send its head, or a part of it. */
const SENDING = ['writeHead', 'flushHeaders', 'write', 'end'] as const;

/**
 * Calls `onHead` before the head of the response is sent, with the session id in its headers. If the promise of `onHead`
 * rejects, `onFailure` is called, and what the server wanted to send is dropped.
 */
export function beforeHead(response: ServerResponse, onHead: OnHead, onFailure: () => void): void {
  let state: 'untouched' | 'held' | 'sending' = 'untouched';
  const held: (() => unknown)[] = [];

  const release = () => {
    state = 'sending';
    for (const part of held.splice(0)) part();
  };
  const decide = (method: (typeof SENDING)[number], parameters: readonly unknown[]) => {
    const [status, inHead] = method === 'writeHead' ? headOf(parameters) : [response.statusCode, undefined];
    const pending = onHead(status, inHead ?? textOf(response.getHeader(SESSION_HEADER)));
    state = pending === undefined ? 'sending' : 'held';
    pending?.then(release, () => {
      state = 'sending';
      onFailure();
    });
  };

  for (const method of SENDING) {
    const original: unknown = Reflect.get(response, method);
    if (typeof original !== 'function') continue;
    const intercepted = (...parameters: unknown[]): unknown => {
      if (state === 'untouched') decide(method, parameters);
      const send = (): unknown => Reflect.apply(original, response, parameters);
      if (state === 'sending') return send();
      held.push(send);
      // The result of `write` says whether the caller may write more.
      return method === 'write' ? true : response;
    };
    Object.assign(response, { [method]: intercepted });
  }
}

/** The status and the session id in the parameters of `writeHead(status, reason?, headers?)`. */
function headOf([status, ...rest]: readonly unknown[]): [number, string | undefined] {
  const headers = rest.find((each) => typeof each === 'object' && each !== null) ?? {};
  const entries = Array.isArray(headers) ? pairsOf(headers) : Object.entries(headers);
  const [, value] = entries.find(([name]) => String(name).toLowerCase() === SESSION_HEADER) ?? [];
  return [Number(status), textOf(value)];
}

/** The headers of `writeHead` can be a list of pairs, or a list in which names and values alternate. */
function pairsOf(list: readonly unknown[]): [unknown, unknown][] {
  return list.flatMap((entry, at): [unknown, unknown][] => {
    if (Array.isArray(entry)) return [[entry[0], entry[1]]];
    return at % 2 === 0 ? [[entry, list[at + 1]]] : [];
  });
}

function textOf(value: unknown): string | undefined {
  const [only] = [value].flat();
  return typeof only === 'string' ? only : undefined;
}
