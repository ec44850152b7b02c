import { CredenceError } from '@credence/core';
import type { Fault } from './fault.ts';

/**
 * The error for a failed request to an MCP server that is not a refusal.
 *
 * @param mayHaveRun whether the request is a call that the server may have carried out although it answered with an error status
 */
export function serverFailure(
  server: string,
  fault: Fault | undefined,
  cause?: unknown,
  { mayHaveRun = false } = {},
): CredenceError {
  const base = { leg: 'call', contact: 'server-owner', server, cause } as const;
  const checkEffect = 'The call may or may not have run. Check whether it had an effect before you repeat it.';
  switch (fault?.kind) {
    case 'http': {
      const { status, rpc } = fault;
      const code = status === 429 ? 'rate_limited' : status >= 500 ? 'peer_unavailable' : 'invalid_response';
      return new CredenceError({
        ...base,
        code,
        status,
        message: `Server "${server}" answered with HTTP status ${status}${rpc ? ` and the JSON-RPC error ${rpc.code}` : ' instead of an MCP message'}.`,
        peerText: rpc?.text,
        remedy:
          code === 'invalid_response'
            ? `Check that servers.${server}.url is an MCP endpoint. If it is, ask the server's owner what the request must contain.`
            : mayHaveRun
              ? checkEffect
              : "Try again later. If the error does not end, ask the server's owner.",
        retryable: code !== 'invalid_response' && !mayHaveRun,
      });
    }
    case 'session-lost':
      return new CredenceError({
        ...base,
        code: 'peer_unavailable',
        message: `Server "${server}" forgot its session twice in a row. The call did not run.`,
        remedy:
          "Try again later. If the error does not end, ask the server's owner whether all processes of the server share their sessions.",
        retryable: true,
      });
    case 'timeout':
      return new CredenceError({
        ...base,
        code: 'timeout',
        message: `Server "${server}" did not answer in time.`,
        remedy: checkEffect,
      });
    case 'closed':
      return new CredenceError({
        ...base,
        code: 'unreachable',
        message: `The connection to server "${server}" ended before the server answered.`,
        remedy: checkEffect,
      });
    case 'rpc-error':
      return new CredenceError({
        ...base,
        code: 'invalid_response',
        message: `Server "${server}" answered with the JSON-RPC error ${fault.code}.`,
        remedy: "Ask the server's owner what the error means. Its text is in peerText.",
        peerText: fault.text,
      });
    case 'no-answer':
    case 'invalid-result':
    case undefined:
      return new CredenceError({
        ...base,
        code: 'invalid_response',
        message: `Server "${server}" was reached, but it did not answer with valid MCP messages.`,
        remedy: `Check that servers.${server}.url is an MCP endpoint, and ask the server's owner which MCP versions it supports.`,
      });
  }
}

/** The error of a tool call after `close()` of the loaded tools. */
export function toolsClosed(server: string | undefined): CredenceError {
  return new CredenceError({
    code: 'closed',
    leg: 'call',
    message: server === undefined ? 'The tools were closed.' : `The tools of server "${server}" were closed.`,
    remedy: 'Call close() after the last tool call, or load the tools again.',
    contact: 'you',
    server,
  });
}

/** The error of a call of a tool that the server has removed from its list. The call was not sent. */
export function toolRemoved(server: string): CredenceError {
  return new CredenceError({
    code: 'tool_removed',
    leg: 'call',
    message: `Server "${server}" does not list this tool any more. The call was not sent.`,
    remedy: "Continue without this tool, or ask the server's owner why it was removed.",
    contact: 'server-owner',
    server,
  });
}

/** The failure of a server that has not been connected within the deadline of `loadTools`. */
export function notYetConnected(server: string, deadlineMs: number): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'call',
    message: `The tools of server "${server}" were not loaded within ${deadlineMs} milliseconds. Credence still tries to load them.`,
    remedy: `Wait until they join, or call diagnose("${server}") to see which request takes long. If all of them are right, raise deadlineMs of loadTools.`,
    contact: 'server-owner',
    server,
    retryable: true,
  });
}
