import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

/** Who calls, as the access token says. */
export interface Caller {
  /** The principal's name: the subject of its access token. */
  principal: string;
  scopes: readonly string[];
}

export interface ToolDefinition<Input extends z.ZodRawShape, Output extends z.ZodRawShape> {
  name: string;
  /** The scope a token must carry for this tool to run. */
  scope: string;
  title: string;
  description: string;
  input: Input;
  output: Output;
  annotations: ToolAnnotations;
  /** Values in, values out. A {@link ToolRefusal} becomes an answer the model can read; any other error is a fault. */
  run(
    args: z.infer<z.ZodObject<Input>>,
    caller: Caller,
  ): z.infer<z.ZodObject<Output>> | Promise<z.infer<z.ZodObject<Output>>>;
}

/** A tool, the scope it needs, and how to add it to a session's server. */
export interface ScopedTool {
  readonly name: string;
  readonly scope: string;
  /** @param onCall is told of every call that reaches the tool, before it runs. */
  register(server: McpServer, onCall: () => void): void;
}

/** The tool understood the call and says no: the sentence is for the model. */
export class ToolRefusal extends Error {
  override readonly name = 'ToolRefusal';
}

/** A tool whose arguments are checked by zod and whose result is both `structuredContent` and readable JSON text. */
export function scopedTool<Input extends z.ZodRawShape, Output extends z.ZodRawShape>(
  definition: ToolDefinition<Input, Output>,
): ScopedTool {
  const { name, scope, title, description, annotations } = definition;
  const inputSchema = z.object(definition.input);
  return {
    name,
    scope,
    register(server, onCall) {
      const config = { title, description, inputSchema, outputSchema: z.object(definition.output), annotations };
      server.registerTool<z.ZodObject<Output>, z.ZodObject>(name, config, async (args, extra) => {
        onCall();
        const { authInfo } = extra;
        const subject = authInfo?.extra?.['subject'];
        const caller: Caller = {
          principal: typeof subject === 'string' ? subject : (authInfo?.clientId ?? 'unknown'),
          scopes: authInfo?.scopes ?? [],
        };
        try {
          return answer(await definition.run(inputSchema.parse(args), caller));
        } catch (error) {
          if (error instanceof ToolRefusal) return refusal(error.message);
          throw error;
        }
      });
    },
  };
}

function answer(result: Record<string, unknown>): CallToolResult {
  return { structuredContent: result, content: [{ type: 'text', text: JSON.stringify(result, null, 2) }] };
}

function refusal(text: string): CallToolResult {
  return { isError: true, content: [{ type: 'text', text }] };
}
