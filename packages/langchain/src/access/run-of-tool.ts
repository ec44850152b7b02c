import type { ToolRunnableConfig } from '@langchain/core/tools';
import { runningRun } from './call-trace.ts';

/** Whether the id of the run is sent to the servers, or a function that returns the id for the config of a tool call. */
export type SendRunId = boolean | ((config: ToolRunnableConfig) => string | undefined);

/** The option `run` of `fetchFor`: the id of the run of the tool call that sends the request. Undefined if none is sent. */
export function runIdFor(send: SendRunId): (() => string | undefined) | undefined {
  if (send === false) return undefined;
  return () => {
    const run = runningRun();
    if (!run) return undefined;
    return typeof send === 'function' ? send(run.config ?? {}) : run.runId;
  };
}
