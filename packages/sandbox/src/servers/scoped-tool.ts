import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

/** The caller of a tool, read from the access token. */
export interface Caller {
  /** The principal's name: the subject of its access token. */
  principal: string;
  scopes: readonly string[];
}

export interface ToolDefinition<Input extends z.ZodRawShape, Output extends z.ZodRawShape> {
  name: string;
  /** The scope that the access token must contain for this tool. */
  scope: string;
  title: string;
  description: string;
  input: Input;
  output: Output;
  annotations: ToolAnnotations;
  /**
   * Runs the tool. A {@link ToolRefusal} becomes a tool result that the model can read; any other error is a fault of the server.
   */
  run(
    args: z.infer<z.ZodObject<Input>>,
    caller: Caller,
  ): z.infer<z.ZodObject<Output>> | Promise<z.infer<z.ZodObject<Output>>>;
}

/** A tool with the scope that it needs. */
export interface ScopedTool {
  readonly name: string;
  readonly scope: string;
  /**
   * Adds the tool to the MCP server of one session.
   * @param onCall is called before each run of the tool.
   */
  register(server: McpServer, onCall: () => void): void;
}

/** Thrown by a tool that refuses a valid call. The message is for the model. */
export class ToolRefusal extends Error {
  override readonly name = 'ToolRefusal';
}

/** Makes a tool from its definition: zod checks the arguments, and the result is sent as `structuredContent` and as JSON text. */
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
