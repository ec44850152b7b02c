import { CredenceError } from '@credence/core';
import type { Fault } from './fault.ts';

/** The error for a failed request to an MCP server that is not a refusal. */
export function serverFailure(server: string, fault: Fault | undefined, cause?: unknown): CredenceError {
  const base = { leg: 'call', contact: 'server-owner', server, cause } as const;
  const mayHaveRun = 'a call under way may or may not have run.';
  switch (fault?.kind) {
    case 'http': {
      const { status } = fault;
      const code = status === 429 ? 'rate_limited' : status >= 500 ? 'peer_unavailable' : 'invalid_response';
      return new CredenceError({
        ...base,
        code,
        status,
        message: `Server "${server}" answered HTTP ${status} where MCP was expected.`,
        remedy:
          code === 'invalid_response'
            ? `Check that servers.${server}.url is an MCP endpoint, or ask its owner what it expects.`
            : 'Try again later; if it goes on, ask its owner.',
        retryable: code !== 'invalid_response',
      });
    }
    case 'session-lost':
      return new CredenceError({
        ...base,
        code: 'peer_unavailable',
        message: `Server "${server}" forgot its session twice in a row; the call did not run.`,
        remedy: 'Try again later; if it goes on, ask its owner whether its copies share their sessions.',
        retryable: true,
      });
    case 'timeout':
      return new CredenceError({
        ...base,
        code: 'timeout',
        message: `Server "${server}" did not answer in time.`,
        remedy: `Check whether the call had an effect before it is made again: ${mayHaveRun}`,
      });
    case 'closed':
      return new CredenceError({
        ...base,
        code: 'unreachable',
        message: `The connection to server "${server}" ended before it answered.`,
        remedy: `Check whether the call had an effect before it is made again: ${mayHaveRun}`,
      });
    case undefined:
      return new CredenceError({
        ...base,
        code: 'invalid_response',
        message: `Server "${server}" was reached, and MCP could not be spoken with it.`,
        remedy: `Check that servers.${server}.url is an MCP endpoint of a revision this client knows, or ask its owner.`,
      });
  }
}

export function toolsClosed(server: string): CredenceError {
  return new CredenceError({
    code: 'closed',
    leg: 'call',
    message: `The tools of server "${server}" were closed.`,
    remedy: 'Call close() after the last tool call, or load the tools again.',
    contact: 'you',
    server,
  });
}
