import type { ServicePrincipal, TokenUse } from '@credence/core';
import type { InterruptedSteps } from '../approval/interrupted-steps.ts';
import { callTimeOf, transportOf } from '../connection-options.ts';
import { McpFacade } from '../facade/mcp-facade.ts';
import type { ToolList } from '../listing/tool-list.ts';
import { runIdFor } from '../access/run-of-tool.ts';
import { approveStepUp } from '../approval/step-up-approval.ts';
import type { LoadToolsSettings } from '../options.ts';
import { ClientAnswers } from '../server-requests/client-answers.ts';
import type { ConnectWithSdk } from './sdk.ts';

/** What the servers of a set share. */
export interface ServerContext {
  readonly bot: ServicePrincipal;
  readonly settings: LoadToolsSettings;
  readonly connect: ConnectWithSdk;
  /** The calls of tasks that the approval of a step-up has interrupted. */
  readonly steps: InterruptedSteps;
}

/** What happens at a server without a request. */
export interface ServerEvents {
  /** The list of tools has changed, or may have changed. */
  readonly onToolsChanged: () => void;
  /** A connection was opened after an earlier one. The server may have been replaced by one with other tools. */
  readonly onReconnected: () => void;
  /** The server cannot say any more that its list has changed, as long as the present connection is used. */
  readonly onLost: () => void;
}

/** The time of a call without options, in milliseconds. It is that of the SDKs. */
const DEFAULT_CALL_MS = 60_000;

/** The client of one server. It connects when it is used, and again when a connection has ended. */
export function serverFacade(
  server: string,
  list: ToolList,
  { bot, settings, connect, onToken }: ServerContext & { readonly onToken: (use: TokenUse) => void },
  { onToolsChanged, onReconnected, onLost }: ServerEvents,
): McpFacade {
  const time = callTimeOf(settings);
  const answers = new ClientAnswers(server, {
    onElicitation: settings.onElicitation,
    onSampling: settings.onSampling,
    answerMs: time.maxTotalTimeoutMs ?? settings.toolTimeoutMs ?? DEFAULT_CALL_MS,
    onFailure: ({ leg, message, remedy }) => bot.warn(server, { leg, message, remedy }),
  });
  let connections = 0;
  const open = async (signal: AbortSignal) => {
    const number = (connections += 1);
    const events = {
      onToolsChanged,
      // What an earlier connection has lost does not matter.
      onLost: () => void (number === connections && onLost()),
    };
    // Each connection needs its own fetch: it distinguishes calls by their JSON-RPC ids, which restart on each connection.
    const run = runIdFor(settings.sendRunId);
    const fetch = list.counting(bot.fetchFor(server, { approveStepUp, repeatsAfterServerError: true, onToken, run }));
    const transport = transportOf(settings, server);
    const timeoutMs = settings.connectTimeoutMs;
    const connection = await connect(
      { bot, server, transport, fetch, timeoutMs, events, answers, onToolLeftOut: (tool) => list.leftOut(tool) },
      signal,
    );
    if (number > 1) onReconnected();
    return connection;
  };
  return new McpFacade(server, open, { time, onIdle: () => answers.endOpen() });
}
