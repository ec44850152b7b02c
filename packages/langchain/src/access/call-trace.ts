import { AsyncLocalStorage } from 'node:async_hooks';
import { parseCallbackConfigArg } from '@langchain/core/callbacks/manager';
import type { DynamicStructuredTool, ToolRunnableConfig } from '@langchain/core/tools';
import type { ToolOrigin } from '../tools/origin.ts';
import type { TokenUses } from './token-uses.ts';

/**
 * What the run of a tool call has in `metadata.credence_call`, for tracers and callback handlers. While the run starts, the token is
 * the last one that was used for the server. When the call has been sent, it is the one of this call: the members of the object change.
 */
export interface ToolCallTrace {
  /** The configured name of the server. */
  server: string;
  /** The name of the tool at that server. */
  tool: string;
  /** The scopes of the access token. */
  scopes: readonly string[];
  /** How long ago the access token was issued, in milliseconds. */
  tokenAgeMs: number;
}

const running = new AsyncLocalStorage<ToolCallTrace>();

/** The trace of the tool call in whose asynchronous context this function is called. */
export function runningTrace(): ToolCallTrace | undefined {
  return running.getStore();
}

/** The run of a tool call, as LangChain hands it to the tool. */
export interface ToolRun {
  /** The id of the run of the tool call, which a tracer shows below the run of the agent. */
  readonly runId: string | undefined;
  readonly config: ToolRunnableConfig | undefined;
}

const runs = new WeakMap<ToolCallTrace, ToolRun>();

/** The run of the tool call in whose asynchronous context this function is called. */
export function runningRun(): ToolRun | undefined {
  const trace = running.getStore();
  return trace && runs.get(trace);
}

/** Makes the runs of a tool carry a {@link ToolCallTrace}. */
export function traceCalls(tool: DynamicStructuredTool, origin: ToolOrigin, uses: TokenUses): void {
  const func = tool.func.bind(tool);
  tool.func = async (input, runManager, config?: ToolRunnableConfig) => {
    const trace = running.getStore();
    // Without callbacks there is no run manager, and the run has the id of the config, if it has one.
    if (trace) runs.set(trace, { runId: runManager?.runId ?? runs.get(trace)?.runId, config });
    return func(input, runManager, config);
  };
  const call = tool.call.bind(tool);
  tool.call = async (input, configOrCallbacks, tags) => {
    const config = parseCallbackConfigArg(configOrCallbacks);
    const { server, tool: name } = origin;
    const trace: ToolCallTrace = { server, tool: name, scopes: uses.scopes ?? [], tokenAgeMs: uses.ageMs ?? 0 };
    runs.set(trace, { runId: config.runId, config: undefined });
    const metadata = { ...config.metadata, credence_call: trace };
    return running.run(trace, async () => call(input, { ...config, metadata }, tags));
  };
}
