import type { ToolRunnableConfig } from '@langchain/core/tools';
import { runningTrace, type ToolCallTrace } from './call-trace.ts';

/** The run of a tool call, as LangChain hands it to the tool. */
interface ToolRun {
  /** The id of the run of the tool call, which a tracer shows below the run of the agent. */
  readonly runId: string | undefined;
  readonly config: ToolRunnableConfig | undefined;
}

/** Whether the id of the run is sent to the servers, or a function that returns the id for the config of a tool call. */
export type SendRunId = boolean | ((config: ToolRunnableConfig) => string | undefined);

const runs = new WeakMap<ToolCallTrace, ToolRun>();

/** A tool call starts. `runId` is that of its config, which LangChain does not pass to the tool. */
export function startRun(trace: ToolCallTrace, runId: string | undefined): void {
  runs.set(trace, { runId, config: undefined });
}

/** LangChain runs the tool. Without callbacks there is no run manager, and the run has the id of the config, if it has one. */
export function noteRun(runId: string | undefined, config: ToolRunnableConfig | undefined): void {
  const trace = runningTrace();
  if (trace) runs.set(trace, { runId: runId ?? runs.get(trace)?.runId, config });
}

/** The option `run` of `fetchFor`: the id of the run of the tool call that sends the request. Undefined if none is sent. */
export function runIdFor(send: SendRunId): (() => string | undefined) | undefined {
  if (send === false) return undefined;
  return () => {
    const trace = runningTrace();
    const run = trace && runs.get(trace);
    if (!run) return undefined;
    return typeof send === 'function' ? send(run.config ?? {}) : run.runId;
  };
}
