import type { FetchLike, ServicePrincipal } from '@credence/core';
import type { ToolLeftOut } from '@credence/sdk-adapter';
import { serverFailure } from '../failures/server-failure.ts';
import type { ClientAnswers } from '../server-requests/client-answers.ts';
import { boundedStreams } from './bounded-streams.ts';
import { addingCallHeaders } from './call-headers.ts';
import { SharedStream } from './shared-stream.ts';
import { watchedStream } from './stream-watch.ts';

/** What both SDKs need to open a connection. */
export interface ConnectSettings {
  readonly bot: ServicePrincipal;
  readonly server: string;
  readonly transport: 'http' | 'sse';
  readonly fetch: FetchLike;
  /** The time limit for the first answer of the server, in milliseconds. */
  readonly timeoutMs: number | undefined;
  readonly events: ConnectionEvents;
  /** Answers the requests of the server. */
  readonly answers: ClientAnswers;
  /** Called for each tool that the SDK cannot read. */
  readonly onToolLeftOut: (tool: ToolLeftOut) => void;
}

/** What a server says without being asked. */
export interface ConnectionEvents {
  /** The list of tools has changed. */
  readonly onToolsChanged: () => void;
  /** The server cannot say any more that the list has changed. Another connection can help. */
  readonly onLost: () => void;
}

/** The streams of a connection that is being opened, and the options of `connectMcp`, which are the same for both SDKs. */
export interface Opening {
  readonly options: {
    readonly transport: 'http' | 'sse';
    readonly fetch: FetchLike;
    readonly signal: AbortSignal;
    readonly timeoutMs?: number;
    readonly onToolLeftOut: (tool: ToolLeftOut) => void;
  };
  /** Counts a response that is awaited. */
  readonly during: <T>(response: Promise<T>) => Promise<T>;
  /** The connecting has succeeded or failed. */
  readonly settled: () => void;
  /**
   * Calls `ending` when the one stream of an HTTP+SSE connection has ended, and `end` when what was being sent then was taken or
   * refused. Before, the end aborts the connecting.
   */
  readonly onStreamEnd: (ending: () => void, end: () => void) => void;
}

/** Prepares the fetch and the signal of a connection. */
export function opening(settings: ConnectSettings, signal: AbortSignal): Opening {
  const { server, transport, timeoutMs, onToolLeftOut } = settings;
  const fetch = addingCallHeaders(settings.fetch);
  const streamEvents = { onReopened: settings.events.onToolsChanged, onLost: settings.events.onLost };
  const others = { onToolLeftOut, ...(timeoutMs !== undefined && { timeoutMs }) };
  if (transport === 'http') {
    return {
      options: { transport, fetch: watchedStream(boundedStreams(fetch), streamEvents), signal, ...others },
      during: async (response) => response,
      settled: () => undefined,
      onStreamEnd: () => undefined,
    };
  }
  const stream = new SharedStream();
  const stop = new AbortController();
  const abort = () => stop.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  stream.onEnd = () => stop.abort(serverFailure(server, { kind: 'closed' }));
  return {
    options: { transport, fetch: stream.watching(fetch), signal: stop.signal, ...others },
    during: async (response) => stream.during(response),
    settled: () => signal.removeEventListener('abort', abort),
    onStreamEnd(ending, end) {
      if (stop.signal.aborted) return end();
      stream.onEnding = ending;
      stream.onEnd = end;
    },
  };
}
