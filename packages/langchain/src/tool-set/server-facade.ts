import type { FetchLike } from '@credence/core';
import { McpFacade } from '../facade/mcp-facade.ts';
import { approveStepUp } from '../middleware/step-up-approval.ts';
import { transportOf } from '../options.ts';
import { ClientAnswers } from '../server-requests/client-answers.ts';
import type { ToolSetContext } from './server-tools.ts';

/** The time of a call without options, in milliseconds. It is that of the SDKs. */
const DEFAULT_CALL_MS = 60_000;

/** Creates the client of one server. `counting` wraps the fetch of each connection. */
export function serverFacade(
  server: string,
  { bot, settings, connect }: ToolSetContext,
  counting: (fetch: FetchLike) => FetchLike,
): McpFacade {
  const { onElicitation, onSampling, toolTimeoutMs, resetTimeoutOnProgress, maxTotalTimeoutMs } = settings;
  const answers = new ClientAnswers(server, {
    onElicitation,
    onSampling,
    answerMs: maxTotalTimeoutMs ?? toolTimeoutMs ?? DEFAULT_CALL_MS,
    onFailure: ({ leg, message, remedy }) => bot.warn(server, { leg, message, remedy }),
  });
  const open = async (signal: AbortSignal) => {
    // Each connection needs its own fetch: it distinguishes calls by their JSON-RPC ids, which restart on each connection.
    const fetch = counting(bot.fetchFor(server, { approveStepUp, repeatsAfterServerError: true }));
    const transport = transportOf(settings, server);
    return connect({ bot, server, transport, fetch, timeoutMs: settings.connectTimeoutMs, answers }, signal);
  };
  return new McpFacade(server, open, {
    time: {
      timeoutMs: resetTimeoutOnProgress ? toolTimeoutMs : undefined,
      resetTimeoutOnProgress,
      maxTotalTimeoutMs,
    },
    onIdle: () => answers.endOpen(),
  });
}
