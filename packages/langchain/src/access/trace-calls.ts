import { parseCallbackConfigArg } from '@langchain/core/callbacks/manager';
import type { DynamicStructuredTool, ToolRunnableConfig } from '@langchain/core/tools';
import type { ToolOrigin } from '../tools/origin.ts';
import { type ToolCallTrace, withTrace } from './call-trace.ts';
import { noteRun, startRun } from './run-of-tool.ts';
import type { TokenUses } from './token-uses.ts';

/** Makes the runs of a tool carry a {@link ToolCallTrace}. */
export function traceCalls(tool: DynamicStructuredTool, origin: ToolOrigin, uses: TokenUses): void {
  const func = tool.func.bind(tool);
  tool.func = async (input, runManager, config?: ToolRunnableConfig) => {
    noteRun(runManager?.runId, config);
    return func(input, runManager, config);
  };
  const call = tool.call.bind(tool);
  tool.call = async (input, configOrCallbacks, tags) => {
    const config = parseCallbackConfigArg(configOrCallbacks);
    const { server, tool: name } = origin;
    const trace: ToolCallTrace = { server, tool: name, scopes: uses.scopes ?? [], tokenAgeMs: uses.ageMs ?? 0 };
    const metadata = { ...config.metadata, credence_call: trace };
    startRun(trace, config.runId);
    return withTrace(trace, async () => call(input, { ...config, metadata }, tags));
  };
}
